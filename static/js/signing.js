// Shows of the form what concerns whoever signs: an organisation or an individual. Without this, all of it is there.
"use strict";

(() => {
    const parts = document.querySelectorAll("[data-kind]");
    const choices = document.querySelectorAll('input[name="kind"]');
    const show = () => {
        const chosen = document.querySelector('input[name="kind"]:checked');
        for (const part of parts) {
            part.hidden = Boolean(chosen) && part.dataset.kind !== chosen.value;
        }
    };
    for (const choice of choices) {
        choice.addEventListener("change", show);
    }
    show();
})();
