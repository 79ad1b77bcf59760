// Compiled, never run: what the types let pass, and what not.

import { ControlError, VerifyError, start, type Entry, type Rule, type Server } from "@clientstore/testing";

export async function uses(): Promise<void> {
  const server: Server = await start("--dialect", "live");
  const seeded: number = await server.seed("<client/>", new Uint8Array(), new URL("file:///clients.xml"));
  const rule: Rule = { method: "POST", times: seeded, answer: { status: 503 } };
  const fired: number[] = (await server.faults(rule)).map((told) => told.fired);
  const entries: Entry[] = await server.journal({ path: "/clients/*", limit: fired.length });
  await server.verify({ body: { name: entries[0]?.body ?? null }, count: { at_least: 1 } });
  await server.asPerson(2);
  await server.asPerson(null);
  // @ts-expect-error: a person is named by their id
  await server.asPerson("jane@example.com");
  const now: Date = await server.clock.advance(60);
  await server.clock.freeze(now);
  const clients: number | undefined = (await server.reset("start")).records["clients"];
  // @ts-expect-error: a misspelt key
  await server.verify({ boddy: { name: clients } });
  // @ts-expect-error: servers come from start
  new (await import("@clientstore/testing")).Server();
  try {
    await server.stop();
  } catch (error) {
    if (error instanceof ControlError) console.log(error.at, error.hint);
    if (error instanceof VerifyError) console.log(error.message);
  }
}
