// The official JavaScript SDK 1.x as a client: node client_1.mjs URL MODULES JSONRPC|HTTP+JSON. Prints ok at the end.
import assert from "node:assert";
import { createRequire } from "node:module";

const [url, modules, binding] = process.argv.slice(2);
const { ClientFactory, ClientFactoryOptions } = createRequire(`${modules}/`)("@a2a-js/sdk/client");
const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, { preferredTransports: [binding] });
const client = await new ClientFactory(options).createFromUrl(url);

const COMPLETED = 3, CANCELED = 5, INPUT_REQUIRED = 6;

function request(messageId, taskId = "") {
  const part = { content: { $case: "text", value: "hello" }, filename: "", mediaType: "" };
  return { tenant: "", message: { messageId, contextId: "", taskId, role: 1, parts: [part], extensions: [], referenceTaskIds: [] } };
}

async function all(events) {
  const told = [];
  for await (const event of events) told.push(event.payload);
  return told;
}

assert.equal(client.protocolVersion, "1.0");

const task = await client.sendMessage(request("tck-artifact-text-1"));
assert.equal(task.status.state, COMPLETED);
assert.equal(task.artifacts[0].parts[0].content.value, "Generated text content");
assert.equal((await client.getTask({ tenant: "", id: task.id })).id, task.id);

const message = await client.sendMessage(request("tck-message-response-1"));
assert.equal(message.parts[0].content.value, "Direct message response");

const told = await all(client.sendMessageStream(request("tck-stream-artifact-chunked-1")));
assert.deepEqual(told.map((event) => event.$case), ["task", "statusUpdate", "artifactUpdate", "artifactUpdate", "statusUpdate"]);
assert.equal(told.at(-1).value.status.state, COMPLETED);

const running = client.sendMessageStream(request("test-resubscribe-message-id-1"));
const begun = (await running.next()).value.payload.value;
const again = await all(client.resubscribeTask({ tenant: "", id: begun.id }));
assert.equal(again[0].value.id, begun.id);
assert.equal(again.at(-1).value.status.state, COMPLETED);

const asked = await client.sendMessage(request("tck-input-required-1"));
assert.equal(asked.status.state, INPUT_REQUIRED);
const done = await client.sendMessage(request("tck-artifact-text-2", asked.id));
assert.deepEqual([done.id, done.status.state], [asked.id, COMPLETED]);

const waiting = await client.sendMessage(request("tck-input-required-2"));
assert.equal((await client.cancelTask({ tenant: "", id: waiting.id })).status.state, CANCELED);
await assert.rejects(client.cancelTask({ tenant: "", id: waiting.id }), /TaskNotCancelable/);
await assert.rejects(client.getTask({ tenant: "", id: "none" }), /TaskNotFound/);

const listed = await client.listTasks({ tenant: "", contextId: "", status: 0, pageSize: 2, pageToken: "" });
assert.deepEqual([listed.totalSize, listed.tasks.length], [5, 2]);
console.log("ok");
