const API_URL = "%API_URL%";
const REFRESH_MS = 3000;

const form = document.querySelector("#chat");
const username = document.querySelector("#username");
const message = document.querySelector("#message");
const send = document.querySelector("#send");
const list = document.querySelector("#messages");
const empty = document.querySelector("#empty");
const error = document.querySelector("#error");

let shown = "";

async function call(options) {
    // "no-store" and the time limit: a pod that has just been replaced must neither be answered for nor waited for.
    const response = await fetch(`${API_URL}/messages`, {
        cache: "no-store",
        signal: AbortSignal.timeout(10_000),
        ...options,
    });
    if (!response.ok) {
        throw new Error(`it answered ${response.status}`);
    }
    return response.json();
}

function showError(reason) {
    error.textContent = reason ? `SynergyChat cannot reach its api at ${API_URL}: ${reason.message}` : "";
    error.hidden = !reason;
}

function entry({ AuthorUsername, Text }) {
    const item = document.createElement("li");
    for (const [name, value] of [
        ["author", AuthorUsername],
        ["text", Text],
    ]) {
        const part = document.createElement("span");
        part.className = name;
        part.textContent = value;
        item.append(part);
    }
    return item;
}

async function refresh() {
    const messages = await call();
    showError(null);
    list.setAttribute("aria-busy", "false");
    // Rebuilding the same list would take away what a reader has selected, and their place in it.
    const now = JSON.stringify(messages);
    if (now === shown) {
        return;
    }
    shown = now;
    list.replaceChildren(...messages.map(entry));
    empty.hidden = messages.length > 0;
    list.scrollTop = list.scrollHeight;
}

async function refreshForever() {
    try {
        await refresh();
    } catch (reason) {
        showError(reason);
    }
    setTimeout(refreshForever, REFRESH_MS);
}

form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
        await call({
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ AuthorUsername: username.value, Text: message.value }),
        });
        message.value = "";
        await refresh();
    } catch (reason) {
        showError(reason);
    } finally {
        send.disabled = false;
        message.focus();
    }
});

refreshForever();
