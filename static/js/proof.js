// While the form is guarded: the browser works for it while its owner types, and hands the result in with the form.
// The work itself is done by altcha's own worker, at https://altcha.org; see static/altcha/.
"use strict";

(() => {
    const box = document.getElementById("proof");
    const form = box.closest("form");
    const proof = form.elements.proof;
    const shown = (name) => {
        for (const text of box.querySelectorAll("[data-state]")) {
            text.hidden = text.dataset.state !== name;
        }
    };
    let solved = null; // a promise of the field's value
    let expires = 0;
    let isSending = false;

    const search = (challenge) => {
        const count = Math.min(4, navigator.hardwareConcurrency || 1);
        const workers = Array.from({ length: count }, () => new Worker(box.dataset.worker));
        const found = workers.map((worker, start) => new Promise((resolve, reject) => {
            worker.onerror = reject;
            worker.onmessage = ({ data }) => (data && !data.error ? resolve(data) : reject(data));
            worker.postMessage({ type: "work", challenge, counterStart: start, counterStep: count });
        }));
        return Promise.any(found).finally(() => workers.forEach((worker) => worker.terminate()));
    };

    const solve = async () => {
        shown("working");
        const answer = await fetch(box.dataset.challenge, { credentials: "omit", cache: "no-store" });
        if (!answer.ok) {
            throw new Error(answer.statusText);
        }
        const challenge = await answer.json();
        const solution = await search(challenge);
        expires = challenge.parameters.expiresAt * 1000;
        proof.value = btoa(JSON.stringify({ challenge, solution }));
        shown("done");
    };

    const begin = () => {
        solved = solve();
        solved.catch(() => shown("failed"));
    };

    form.addEventListener("submit", async (event) => {
        if (proof.value && Date.now() < expires - 10000) {
            return;
        }
        event.preventDefault();
        if (isSending) {
            return;
        }
        isSending = true;
        if (proof.value || !solved) {
            begin(); // too old by now, or it failed
        }
        try {
            await solved;
            form.submit();
        } catch {
            solved = null;
        } finally {
            isSending = false;
        }
    });

    begin();
})();
