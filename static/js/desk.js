// The desk by keyboard. Every key presses a button or follows a link that is on the page: without this, these do it all.
"use strict";

(() => {
    const OFF = "desk-keys-off";
    const rows = [...document.querySelectorAll("[data-row]")];
    const help = document.getElementById("keys");
    const switches = [...document.querySelectorAll("[data-switch]")];

    const isOn = () => localStorage.getItem(OFF) === null;
    const isTyped = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
    const row = () => document.activeElement.closest("[data-row]");
    // A Cyrillic keyboard gives "ф" where a Latin one gives "a": then the place of the key counts.
    const letter = (event) => (/^[\u0400-\u04ff]$/.test(event.key) ? event.code.replace("Key", "").toLowerCase() : event.key);

    function go(to) {
        if (!to) return;
        const closed = to.closest("details:not([open])");
        if (closed && !to.matches("summary")) closed.open = true;
        to.focus({ preventScroll: true });
        to.scrollIntoView({ block: "nearest" });
    }

    function step(by) {
        const link = document.querySelector(by > 0 ? "[data-step=next]" : "[data-step=previous]");
        if (link) return link.click();
        const at = rows.indexOf(row());
        go(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)]);
    }

    // Whether there was something to press.
    function press(key) {
        const wanted = `[data-key="${CSS.escape(key)}"]`;
        const place = row();
        const target = place ? place.querySelector(wanted) : document.querySelector(`[data-keys] ${wanted}`);
        const details = target && target.closest("details");
        if (!target || (/^\d$/.test(key) && !details.open)) return false;
        if (target.matches("textarea")) go(target);
        else target.click();
        if (target.matches("summary") && details.open) go(details.querySelector("button"));
        return true;
    }

    function leave(element) {
        const open = element.closest("details[open]");
        if (isTyped(element)) element.blur();
        else if (open) open.open = false;
        go(element.closest("[data-row]"));
    }

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !isOn()) return;
        if (event.key === "Escape") return leave(document.activeElement);
        if (isTyped(document.activeElement) || event.repeat) return;
        const key = letter(event);
        if (key === "j") step(1);
        else if (key === "k") step(-1);
        else if (key === "?" && help) {
            help.open = !help.open;
            go(help.querySelector("summary"));
        } else if (!press(key)) return;
        event.preventDefault();
    });

    document.documentElement.classList.add("scripted");

    function show() {
        document.documentElement.classList.toggle("keys", isOn());
        for (const button of switches) button.hidden = (button.dataset.switch === "on") === isOn();
    }

    for (const button of switches) {
        button.addEventListener("click", () => {
            if (button.dataset.switch === "off") localStorage.setItem(OFF, "yes");
            else localStorage.removeItem(OFF);
            show();
            go(help.querySelector("summary"));
        });
    }

    show();
    const named = location.hash && document.getElementById(location.hash.slice(1));
    if (named && named.matches("[data-row], textarea")) go(named);
    else if (location.hash.startsWith("#signature-")) go(rows[0]); // it was decided meanwhile
})();
