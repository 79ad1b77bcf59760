/** Starts a server on a free port of this machine, with its records in memory; it is ready when the promise is fulfilled.
 *
 * Options are those of `clientstore serve`, such as `"--dialect", "live"`. It ends with the program that started it, however
 * that ends. Rejects with StartError where it does not start; standard error then says why. */
export function start(...options: string[]): Promise<Server>;

/** Where the program `clientstore` is: in the package for this platform, or else on the path. Throws StartError. */
export function program(): string;

/** The server did not start, or its program is not there. */
export class StartError extends Error {}

/** A control path refused a call. */
export class ControlError extends Error {
  /** Where in the body the mistake is. */
  readonly at?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** Requests did not come as expected; an AssertionError. */
export class VerifyError extends Error {
  readonly code: "ERR_ASSERTION";
}

export type Method = "GET" | "POST" | "PUT" | "DELETE" | (string & {});

/** A server that runs. */
export class Server {
  private constructor();
  /** What the program under test is pointed at, like `http://127.0.0.1:49152`. */
  readonly url: string;
  /** The server's process. */
  readonly pid: number;
  /** The server's time. */
  readonly clock: Clock;

  /** Sets records, ids, journal, faults and clock back to the start, or to a snapshot. */
  reset(snapshot?: string): Promise<State>;
  /** Keeps all of that under a name, for `reset(name)`. */
  snapshot(name: string): Promise<void>;
  /** Loads documents of the API: XML as text or bytes, or the file of a `file:` URL. Gives the number of records. */
  seed(...documents: (string | Uint8Array | URL)[]): Promise<number>;
  /** The requests that the server got, in the order of their answers: those that fit all that is given. */
  journal(query?: JournalQuery): Promise<Entry[]>;
  /** Rejects with VerifyError where requests did not come as expected. Gives the number of those that did. */
  verify(expected?: Expectation): Promise<number>;
  /** Makes requests fail by these rules alone; without any, only tells how often each rule has fired. */
  faults(...rules: Rule[]): Promise<(Rule & { matched: number; fired: number })[]>;
  /** Lets all requests through again. */
  clearFaults(): Promise<void>;
  /** Switches the service's own limit on or off: 100 calls in 15 seconds. */
  throttle(on?: boolean): Promise<void>;
  /** Lets every call of the API act as this person, with no more rights than theirs, until a reset; the program under test
   * needs no other credentials. `null` lets everybody act as who they are again. Rejects with ControlError where there is no
   * such person. */
  asPerson(id: number | null): Promise<void>;
  /** How many records there are of each kind, and how everything is set. */
  state(): Promise<State>;
  /** Calls any control path; a body that is neither text nor bytes is sent as JSON. */
  control(method: Method, path: string, body?: unknown): Promise<any>;
  /** Stops the server, and waits until it is gone. */
  stop(): Promise<void>;
}

export class Clock {
  private constructor();
  now(): Promise<Date>;
  /** Sets the time; it goes on or stands still as before. Fractions of a second are dropped. */
  set(now: Date | string): Promise<Date>;
  /** Stops the clock, at this time where one is given. */
  freeze(now?: Date | string): Promise<Date>;
  /** Lets a clock that was stopped go on. */
  resume(): Promise<Date>;
  /** Moves the time by this many seconds. */
  advance(seconds: number): Promise<Date>;
  /** Sets the clock back to how it started. */
  reset(): Promise<Date>;
}

export interface State {
  records: Record<string, number>;
  next_ids: Record<string, number>;
  resettable: boolean;
  snapshots: number;
  journal: { entries: number; last: number; dropped: number; cleared: number };
  faults: number;
  clock: { now: string; frozen: boolean };
  throttle: { on: boolean; calls: number; max_calls: number; seconds: number; lockout_seconds: number };
}

export interface JournalQuery {
  method?: Method;
  /** `*` stands for any characters but `/`, `**` for any. */
  path?: string;
  status?: number;
  /** Entries with a greater number. */
  after?: number;
  /** At most this many, the newest ones. */
  limit?: number;
  /** If there are none, wait for one for at most this many seconds. */
  wait?: number;
}

export interface Entry {
  number: number;
  time: string;
  method: Method;
  path: string;
  query: string | null;
  headers: Record<string, string>;
  body: string | null;
  body_base64?: string;
  body_bytes: number;
  route: string | null;
  status: number | null;
  fault: "delay" | "answer" | "drop" | "cut" | null;
  duration_ms: number;
}

export interface Expectation {
  method?: Method;
  path?: string;
  /** Parameters and their values; others may be there. */
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Elements of the body and what they hold; others may be there. */
  body?: Record<string, string | number | boolean | null>;
  status?: number;
  /** How many there must be; at least one where it is missing. */
  count?: number | { at_least?: number; at_most?: number };
}

export interface Rule {
  method?: Method;
  path?: string;
  /** For this request only; with `times`, from it on. */
  nth?: number;
  times?: number;
  probability?: number;
  seed?: number;
  delay_ms?: number;
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** Closes the connection before the API sees the request, or after it did. */
  drop?: "request" | "answer";
  /** Sends this many bytes of the answer's body, then closes the connection. */
  cut?: number;
}
