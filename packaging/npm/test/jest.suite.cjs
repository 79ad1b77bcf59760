// The README's suite, as jest has it, in CommonJS.

const { start } = require("@clientstore/testing");

let server;
beforeAll(async () => {
  server = await start();
});
beforeEach(async () => {
  await server.reset();
});
afterAll(() => server.stop());

test.each([1, 2])("a client is added, turn %i", async () => {
  const body = "<client><name>Company LLC</name></client>";
  const answer = await fetch(`${server.url}/clients`, { method: "POST", headers: { "Content-Type": "application/xml" }, body });
  expect(answer.headers.get("Location")).toBe("/clients/1");
  await server.verify({ method: "POST", path: "/clients", body: { name: "Company LLC" }, count: 1 });
  await expect(server.verify({ method: "DELETE" })).rejects.toThrow("Expected at least 1 request DELETE");
});
