// Something is still being found out: the page is looked at again by itself. Without this script its reader loads it anew.
"use strict";
setTimeout(() => { if (!document.querySelector("form :focus")) location.reload(); }, 3000);
