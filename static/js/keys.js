/* Shows the button for a security key where the browser offers keys, and says when a key did not answer. */
(function () {
    "use strict";

    function show(what, shown) {
        document.querySelectorAll(what).forEach(function (element) {
            element.hidden = !shown;
        });
    }

    document.addEventListener("DOMContentLoaded", function () {
        var offered = window.PublicKeyCredential !== undefined;
        show("[data-with-keys]", offered);
        show("[data-without-keys]", !offered);
        document.querySelectorAll("[data-with-keys]").forEach(function (button) {
            button.addEventListener("click", function () {
                show("[data-key-failed]", false);
            });
        });
    });

    document.addEventListener("allauth.error", function (event) {
        event.preventDefault();
        show("[data-key-failed]", true);
    });
})();
