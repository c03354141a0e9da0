/** What the page asks of its server. */

let key = "";

/** A key to send from now on. It stands in this variable and nowhere else. */
export function useKey(given) {
  key = given.trim();
}

/** Something that went wrong, in words for the person; `status` is HTTP's, 0 where no answer came. */
export class Trouble extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const GONE = "The model cannot be reached: its server has stopped, or the network is gone.";
const NO_KEY = "This key is not the right one.";
const LOST = "The connection to the model was lost. What it wrote until then is kept.";

export const about = () => json("about");

/** Where a text stands in the corpus: the answer of POST /trace. */
export const trace = (text, signal) => json("trace", { text }, signal);

/**
 * A text that is written already, token by token: {text, tokens} as `write` yields them.
 *
 * It is the completion of no tokens, with the prompt told back; offsets count code points.
 */
export async function weigh(text, alternatives, signal) {
  const request = { prompt: text, echo: true, max_tokens: 0, logprobs: alternatives };
  const [{ logprobs }] = (await json("v1/completions", request, signal)).choices;
  const characters = [...text];
  const pieces = [];
  let waiting = [];
  tokens(logprobs).forEach((token, index) => {
    waiting.push(token);
    const piece = characters.slice(logprobs.text_offset[index], logprobs.text_offset[index + 1]).join("");
    if (piece) pieces.push({ text: piece, tokens: waiting.splice(0) });
  });
  return pieces;
}

/**
 * The continuation that a request of OpenAI's completions API asks for, as it is written.
 *
 * Yields {text, tokens}; tokens, each {text, logprob, alternatives}, only where `logprobs` were asked for.
 * Returns why it ended: "stop", "length" or "context". Throws Trouble, or AbortError where the signal says so.
 */
export async function* write(request, signal) {
  const answer = await ask("v1/completions", { ...request, stream: true }, signal);
  let finish = null;
  let waiting = [];
  for await (const data of events(answer.body)) {
    if (data === "[DONE]") {
      if (finish) return finish;
      break;
    }
    const { choices = [], error } = JSON.parse(data);
    if (error) throw new Trouble(error.message);
    for (const choice of choices) {
      // A token may end in the middle of a character: it belongs to the text that follows.
      waiting.push(...tokens(choice.logprobs));
      if (choice.text) yield { text: choice.text, tokens: waiting.splice(0) };
      finish = choice.octavo_finish ?? choice.finish_reason ?? finish;
    }
  }
  throw new Trouble(LOST);
}

function tokens(logprobs) {
  return (logprobs?.tokens ?? []).map((text, index) => ({
    text,
    logprob: logprobs.token_logprobs[index],
    alternatives: Object.entries(logprobs.top_logprobs?.[index] ?? {}).sort((a, b) => b[1] - a[1]),
  }));
}

/** The data of server-sent events. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        throw error.name === "AbortError" ? error : new Trouble(LOST);
      });
      if (done) return;
      const lines = (unread + value).split(/\r?\n/);
      unread = lines.pop();
      for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function json(path, body, signal) {
  return (await ask(path, body, signal)).json();
}

async function ask(path, body, signal) {
  const request = body ? { method: "POST", body: JSON.stringify(body) } : {};
  // What no header may hold is no key, and must not be taken for a server that is gone.
  if (/[^\x21-\x7e]/.test(key)) throw new Trouble(NO_KEY, 401);
  const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
  let answer;
  try {
    answer = await fetch(path, { ...request, headers, signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Trouble(GONE);
  }
  if (!answer.ok) throw new Trouble(await reason(answer), answer.status);
  return answer;
}

async function reason(answer) {
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get("Retry-After"));
    return `The model is busy with the texts of others. Try again ${seconds ? `in ${seconds} s` : "in a while"}.`;
  }
  if (answer.status === 401) return key ? NO_KEY : "The server asks for a key.";
  const told = await answer.json().catch(() => null);
  return told?.error?.message ?? `The server answered with ${answer.status} ${answer.statusText}.`;
}
