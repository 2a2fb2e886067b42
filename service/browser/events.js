// The page's events: one request, one reply, in the page's own session.
//
// Gradio's own protocol: an event joins the queue, and its end is heard on a stream. One event is
// under way at a time, so that none can hear another's end; what a person does comes before photos
// that wait to be counted.

const config = window.gradio_config;
export const root = config.root;
const api = root + (config.api_prefix ?? "");
const numbers = new Map(config.dependencies.map((event) => [event.api_name, event.id]));
const session = newSession();
const waiting = [];
const WAITS_S = [1, 2, 4, 8, 16, 30];
const BUSY = new Set([0, 408, 429, 502, 503, 504]);
let busy = false;

/** A failed request: a sentence for people, and whether trying again may help. */
export class RequestError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
    this.mayPass = BUSY.has(status);
  }
}

/** The address of a file that the service made or was sent. */
export function fileAddress(path) {
  return `${api}/file=${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Ask the service; `soon` is for what a person waits for. Resolves to the reply. */
export function ask(name, request = {}, { soon = true } = {}) {
  return new Promise((resolve, reject) => {
    const event = { name, request, soon, resolve, reject };
    const place = soon ? waiting.findIndex((other) => !other.soon) : -1;
    waiting.splice(place < 0 ? waiting.length : place, 0, event);
    work();
  });
}

/** Do something again while the service is busy, longer apart each time. */
export async function patiently(action, stopped = () => false) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action(attempt);
    } catch (error) {
      if (!error.mayPass || attempt >= WAITS_S.length || stopped()) throw error;
      await seconds(Math.max(error.retryAfter ?? 0, WAITS_S[attempt]));
    }
  }
}

/** Upload one photo; `report` is told the fraction that was sent. Resolves to its path. */
export function upload(file, report) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("files", file, file.name.toWellFormed?.() ?? file.name);
    const request = new XMLHttpRequest();
    request.open("POST", `${api}/upload`);
    request.responseType = "text";
    request.upload.onprogress = (event) => report(event.loaded / (event.total || 1));
    request.onload = () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText)[0]);
      else reject(failure(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => reject(failure(0, "", null));
    request.send(form);
  });
}

async function work() {
  if (busy || !waiting.length) return;
  busy = true;
  const event = waiting.shift();
  try {
    event.resolve(await patiently(() => send(event)));
  } catch (error) {
    event.reject(error);
  }
  busy = false;
  work();
}

async function send({ name, request }) {
  const body = { data: [null, request], fn_index: numbers.get(name), session_hash: session };
  let answer;
  try {
    answer = await fetch(`${api}/queue/join`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw failure(0, "", null);
  }
  const text = await answer.text();
  if (!answer.ok) throw failure(answer.status, text, answer.headers.get("retry-after"));
  return hear(JSON.parse(text).event_id);
}

function hear(id) {
  return new Promise((resolve, reject) => {
    const stream = new EventSource(`${api}/queue/data?session_hash=${session}`);
    stream.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.msg === "process_completed" && message.event_id === id) {
        stream.close();
        if (message.success) resolve(message.output.data[1]);
        else reject(new RequestError(message.output.error ?? "This did not work.", 400));
      } else if (message.msg === "unexpected_error") {
        stream.close();
        reject(failure(503, "", null));
      }
    };
    stream.onerror = () => {
      stream.close();
      reject(failure(0, "", null));
    };
  });
}

function failure(status, text, retryAfter) {
  let message = status ? "The service did not answer as expected." : "The service cannot be reached.";
  try {
    message = JSON.parse(text).error ?? message;
  } catch {
    // not from the service itself, such as a proxy's page
  }
  const error = new RequestError(message[0].toUpperCase() + message.slice(1), status);
  error.retryAfter = Number(retryAfter) || 0;
  return error;
}

function newSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function seconds(n) {
  return new Promise((resolve) => setTimeout(resolve, n * 1000));
}
