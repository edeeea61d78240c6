/**
 * Keeps secrets off the disk. Recorder and replayer apply the same rules to what the program asks for, so a
 * tape recorded with one key is matched by a run that has another key, or none.
 *
 * Three rules: what stands in a header, query field or JSON field whose name means a secret is replaced by
 * name; a value that is known to be secret (from such a header or from the environment) is replaced wherever
 * it stands, in requests, responses and output; and requests are searched for the shapes of well-known keys.
 * Answers are searched for known values only: a pattern could alter what the program depends on.
 *
 * Limits: a known value that a server's answer splits over two chunks is found in neither half. Bodies that a
 * program compressed or encrypted itself are not looked into.
 */

import { fromUtf8, replaceBytes, utf8 } from "../base/bytes.ts";
import type { HeaderList } from "../tape/events.ts";

/** What a redactor is told besides its built-in rules. */
export interface RedactRules {
  readonly headers: readonly string[];
  readonly fields: readonly string[];
  readonly env: readonly string[];
  /** False switches everything off. */
  readonly on: boolean;
}

const HEADERS = new Set([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "api-key",
  "apikey",
  "x-goog-api-key",
  "xi-api-key",
  "x-auth-token",
  "x-access-token",
  "x-amz-security-token",
  "x-csrf-token",
  "cookie",
  "set-cookie",
  "openai-api-key",
  "anthropic-api-key",
]);

/** Names of URL query fields and of JSON or form fields that hold secrets, in `plainName` spelling. */
const FIELDS = new Set([
  "apikey",
  "apitoken",
  "accesstoken",
  "accesskey",
  "authtoken",
  "idtoken",
  "refreshtoken",
  "clientsecret",
  "secretkey",
  "passwd",
  "xamzsignature",
  "xamzsecuritytoken",
  "xgoogsignature",
]);

/** Ordinary words: their value counts as a secret only when it looks like one, and is not looked for elsewhere. */
const WEAK_FIELDS = new Set(["token", "secret", "password"]);
/** The same, in a URL's query only: in bodies these are ids and model signatures. */
const WEAK_QUERY_FIELDS = new Set(["key", "sig", "signature", "code"]);

const KEY_SHAPES =
  /\b(?:sk-(?:ant-|proj-|or-v1-)?[A-Za-z0-9_-]{16,}|AIza[0-9A-Za-z_-]{35}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|hf_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g;

/** What every shape above begins with, and what every field name holds: a quick no for most bodies. */
const KEY_STARTS = /sk-|AIza|gh[pousr]_|github_pat_|xox[abprs]-|AKIA|hf_|glpat-|eyJ|-----BEGIN/;
/** A field of JSON with a text. Bounded, so that a later search may begin a little before what is new. */
const JSON_FIELD = /("([A-Za-z_-]{3,32})"\s{0,64}:\s{0,64}")([^"\\]{8,4096})(")/g;
/** A key that may go on in what comes later. */
const UNFINISHED = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const FORM = /^[\w.%+-]+=[^\s{}"]*(?:&|$)/;
const NO_WORDS: ReadonlySet<string> = new Set();
const FIELD_WORDS =
  /key|token|secret|passw|signature|Key|Token|Secret|Passw|Signature|KEY|TOKEN|SECRET|PASSW/;

/** Environment variables whose names say that they hold a secret, whatever they hold. */
const SECRET_ENV = /(API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_|\d|$)/i;
/** Names that may mean a secret: the value decides. */
const WEAK_ENV = /(^|_)(KEY|PASS|AUTH|PAT|COOKIE)(_|$)|KEY$/i;

/** What a replay sets a missing secret variable to, so that an SDK's constructor is content. One for each name. */
export function placeholderFor(name: string): string {
  return `redacted-by-tracefork-0-${name}`;
}

/** True when the variable holds a secret, by its name or by name and value. */
export function isSecretEnv(name: string, value: string): boolean {
  if (value === "" || /^(TRACEFORK_|npm_|GPG_)|_SOCK$|_FILE$|_PATH$|_DIR$|_URL$/.test(name)) return false;
  return SECRET_ENV.test(name) || (WEAK_ENV.test(name) && looksSecret(value));
}

/** True for a value that could be a key: long, without spaces, of mixed characters. */
export function looksSecret(value: string): boolean {
  if (value.length < 12 || /\s/.test(value) || /^(https?:|\/|\.\/|file:)/.test(value)) return false;
  return /\d/.test(value) && /[A-Za-z]/.test(value) && new Set(value).size >= 8;
}

/** `API_KEY`, `apiKey` and `api-key` are the same name. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function standFor(name: string): string {
  return `redacted_${name.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
}

/** A secret as it is, and as URLs, forms and JSON spell it. */
function spellings(value: string): Set<string> {
  const whole = value.isWellFormed() ? value : value.toWellFormed();
  const url = new URL("http://a/");
  url.pathname = whole;
  url.search = whole;
  return new Set([
    value,
    encodeURIComponent(whole),
    encodeURI(whole),
    new URLSearchParams([["", whole]]).toString().slice(1),
    url.pathname.slice(1),
    url.search.slice(1),
    JSON.stringify(value).slice(1, -1),
  ].filter((spelling) => spelling.length >= value.length));
}

/** Reads the text of `--redact`: `off`, or a list of `header:NAME`, `field:NAME`, `env:NAME`. */
export function parseRedactRules(text: string): RedactRules {
  const rules = { headers: [] as string[], fields: [] as string[], env: [] as string[], on: true };
  for (const part of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    if (part === "off") rules.on = false;
    else if (part.startsWith("header:")) rules.headers.push(part.slice(7).toLowerCase());
    else if (part.startsWith("field:")) rules.fields.push(part.slice(6));
    else if (part.startsWith("env:")) rules.env.push(part.slice(4));
    else throw new RangeError(`Cannot read redaction rule ${JSON.stringify(part)}`);
  }
  return rules;
}

/** See the head of this file. One redactor a session; it learns secrets as it sees them. */
export class Redactor {
  /** Told of each secret that is learned from what the program does. */
  onLearn: ((value: string, stand: string) => void) | undefined;
  readonly #on: boolean;
  readonly #extraFields: boolean;
  readonly #headers: ReadonlySet<string>;
  readonly #fields: ReadonlySet<string>;
  /** Known secrets and what stands for them, longest first. */
  #known: { value: string; stand: string }[] = [];
  /** Grows with each secret that is learned: what was searched before has to be searched again. */
  revision = 0;

  constructor(rules: RedactRules, env: readonly (readonly [name: string, value: string])[]) {
    this.#on = rules.on;
    this.#extraFields = rules.fields.length > 0;
    this.#headers = new Set([...HEADERS, ...rules.headers]);
    this.#fields = new Set([...FIELDS, ...rules.fields.map(plainName)]);
    const named = new Set(rules.env);
    for (const [name, value] of env) {
      // A short value stands in ordinary text too: it is looked for only where somebody asks for it.
      if (value.length >= (named.has(name) ? 4 : 8)) this.know(value, standFor(name));
    }
  }

  /** Takes a secret and what is to stand for it, as another redactor has learned it. */
  know(value: string, stand: string): void {
    if (!this.#on || this.#known.some((each) => each.value === value)) return;
    this.revision++;
    for (const spelling of spellings(value)) this.#known.push({ value: spelling, stand });
    this.#known.sort((a, b) => b.value.length - a.value.length);
  }

  #learn(value: string, name: string): void {
    if (!this.#on || value.length < 8 || this.#known.some((each) => each.value === value)) return;
    // It is gone already.
    if (value.startsWith("redacted_")) return;
    const stand = standFor(name);
    this.know(value, stand);
    this.onLearn?.(value, stand);
  }

  /** Length of the longest known secret, in UTF-16 units. */
  get longest(): number {
    return this.#known[0]?.value.length ?? 0;
  }

  #replaceKnown(text: string): string {
    for (const { value, stand } of this.#known) {
      if (text.includes(value)) text = text.replaceAll(value, stand);
    }
    return text;
  }

  /** Text of the run's surroundings (a command, an error): known values and key shapes go. */
  text(text: string): string {
    if (!this.#on) return text;
    const clean = this.#replaceKnown(text);
    return KEY_STARTS.test(clean) ? clean.replaceAll(KEY_SHAPES, "redacted_key") : clean;
  }

  /** A request's URL: secret query fields, passwords, known values, key shapes. */
  url(url: string): string {
    if (!this.#on) return url;
    // Whole values first: one with an `@` or an `&` in it is not where the rules below would look for it.
    url = this.#replaceKnown(url);
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      return this.text(url);
    }
    if (parsed.password !== "") {
      this.#learn(decodeURIComponent(parsed.password), "url_password");
      url = url.replace(`:${parsed.password}@`, ":redacted@");
    }
    const query = url.indexOf("?");
    if (query >= 0) url = url.slice(0, query) + this.#formFields(url.slice(query), WEAK_QUERY_FIELDS);
    return this.text(url);
  }

  /** Fields of a query or of a form body. `weak` names those that are ordinary words besides WEAK_FIELDS. */
  #formFields(text: string, weak: ReadonlySet<string>): string {
    return text.replaceAll(/(^|[?&])([^=&#?]+)=([^&#]*)/g, (all, mark, name, value) => {
      const plain = plainName(name);
      const word = weak.has(plain) || (WEAK_FIELDS.has(plain) && plain !== "password");
      const strong = this.#fields.has(plain) || plain === "password";
      if (value === "" || !(word ? looksSecret(value) : strong)) return all;
      this.#learn(decodeURIComponent(value.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25")), name);
      this.#learn(value, name);
      return `${mark}${name}=redacted_${plain}`;
    });
  }

  /** A request's headers. */
  requestHeaders(headers: HeaderList): HeaderList {
    if (!this.#on) return headers;
    return headers.map(([name, value]) => [name, this.#header(name.toLowerCase(), value)] as const);
  }

  #header(name: string, value: string): string {
    if (!this.#headers.has(name)) return this.text(value);
    if (name === "cookie") {
      for (const pair of value.split(";")) this.#learn(pair.slice(pair.indexOf("=") + 1).trim(), "cookie");
      return "redacted_cookie";
    }
    const [scheme, ...rest] = value.split(" ");
    if (rest.length > 0 && /^(basic|bearer|token|digest|negotiate|apikey|key)$/i.test(scheme!)) {
      this.#learn(rest.join(" "), name);
      return `${scheme} redacted_${name}`;
    }
    this.#learn(value, name);
    return `redacted_${name}`;
  }

  /**
   * A response's headers. Known values go; a cookie's value goes when it looks like a secret, because the
   * program gets the stored one back on replay.
   */
  responseHeaders(headers: HeaderList): HeaderList {
    if (!this.#on) return headers;
    return headers.map(([name, value]) => {
      if (name.toLowerCase() === "set-cookie") {
        const [, key, secret] = /^([^=;]+)=([^;]*)/.exec(value) ?? [];
        if (key !== undefined && secret !== undefined && looksSecret(secret)) {
          this.#learn(secret, "cookie");
          return [name, `${key}=redacted_cookie${value.slice(key.length + 1 + secret.length)}`] as const;
        }
      } else if (this.#headers.has(name.toLowerCase()) && looksSecret(value)) {
        this.#learn(value, name.toLowerCase());
      }
      return [name, this.#replaceKnown(value)] as const;
    });
  }

  /** True for a field of JSON whose value is a secret. `plain` is the name in `plainName` spelling. */
  #isSecretField(plain: string, value: string): boolean {
    return WEAK_FIELDS.has(plain) ? looksSecret(value) : this.#fields.has(plain);
  }

  #hasNames(text: string): boolean {
    return this.#extraFields || FIELD_WORDS.test(text);
  }

  /**
   * A request's body: JSON and form fields by name, known values, key shapes. Comes back as it is where it holds
   * no secret.
   */
  requestBody<B extends Uint8Array | string>(body: B): B | string | Uint8Array {
    if (!this.#on || body.length === 0) return body;
    const text = typeof body === "string" ? body : fromUtf8(body);
    const named = this.#hasNames(text);
    let changed = !named ? text : text.replaceAll(JSON_FIELD, (all, head, name, value, tail) => {
      const plain = plainName(name);
      if (!this.#isSecretField(plain, value)) return all;
      if (!WEAK_FIELDS.has(plain)) this.#learn(value, name);
      return `${head}redacted_${plain}${tail}`;
    });
    if (named && FORM.test(text)) changed = this.#formFields(changed, NO_WORDS);
    changed = this.text(changed);
    return changed === text ? body : changed;
  }

  /** True where `requestBody` would find nothing in `text`, the end of a JSON body, and nothing begins there. */
  isCleanTail(text: string): boolean {
    if (!this.#on) return true;
    if (KEY_STARTS.test(text) && (UNFINISHED.test(text) || text.search(KEY_SHAPES) >= 0)) return false;
    if (this.#known.some(({ value }) => text.includes(value))) return false;
    return !this.#hasNames(text) ||
      text.matchAll(JSON_FIELD).every(([, , name, value]) => !this.#isSecretField(plainName(name!), value!));
  }

  /** True where the next body that begins as this clean one may be searched with `isCleanTail`. */
  canContinue(body: Uint8Array | string): boolean {
    if (!this.#on) return true;
    const text = typeof body === "string" ? body : fromUtf8(body);
    return !FORM.test(text) && !UNFINISHED.test(text);
  }

  /** A chunk of a response, or output: known values go. Bytes that hold none come back as they are. */
  known(bytes: Uint8Array): Uint8Array {
    if (!this.#on || this.#known.length === 0 || bytes.length < 8) return bytes;
    const text = fromUtf8(bytes);
    const hits = this.#known.filter(({ value }) => text.includes(value));
    if (hits.length === 0) return bytes;
    let out = bytes;
    for (const { value, stand } of hits) out = replaceBytes(out, utf8(value), utf8(stand));
    return out;
  }
}
