// The official JavaScript SDK 0.3 as a client: node client_0_3.mjs URL MODULES JSONRPC|HTTP+JSON. Prints ok at the end.
import assert from "node:assert";
import { createRequire } from "node:module";

const [url, modules, binding] = process.argv.slice(2);
const { ClientFactory, ClientFactoryOptions } = createRequire(`${modules}/`)("@a2a-js/sdk/client");
const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, { preferredTransports: [binding] });
const client = await new ClientFactory(options).createFromUrl(url);

function request(messageId, taskId) {
  return { message: { kind: "message", messageId, taskId, role: "user", parts: [{ kind: "text", text: "hello" }] } };
}

async function all(events) {
  const told = [];
  for await (const event of events) told.push(event);
  return told;
}

const task = await client.sendMessage(request("tck-artifact-text-1"));
assert.deepEqual([task.kind, task.status.state], ["task", "completed"]);
assert.equal(task.artifacts[0].parts[0].text, "Generated text content");
assert.equal((await client.getTask({ id: task.id })).id, task.id);

const message = await client.sendMessage(request("tck-message-response-1"));
assert.deepEqual([message.kind, message.parts[0].text], ["message", "Direct message response"]);

const told = await all(client.sendMessageStream(request("tck-stream-artifact-chunked-1")));
assert.deepEqual(told.map((event) => event.kind), ["task", "status-update", "artifact-update", "artifact-update", "status-update"]);
assert.deepEqual([told.at(-1).final, told.at(-1).status.state], [true, "completed"]);

const running = client.sendMessageStream(request("test-resubscribe-message-id-1"));
const begun = (await running.next()).value;
const again = await all(client.resubscribeTask({ id: begun.id }));
assert.equal(again.at(-1).status.state, "completed");

const asked = await client.sendMessage(request("tck-input-required-1"));
const done = await client.sendMessage(request("tck-artifact-text-2", asked.id));
assert.deepEqual([done.id, done.status.state], [asked.id, "completed"]);

const waiting = await client.sendMessage(request("tck-input-required-2"));
const config = { taskId: waiting.id, pushNotificationConfig: { id: "hook", url: "https://example.com/hook" } };
assert.equal((await client.setTaskPushNotificationConfig(config)).pushNotificationConfig.url, "https://example.com/hook");
assert.equal((await client.listTaskPushNotificationConfig({ id: waiting.id })).length, 1);
await client.deleteTaskPushNotificationConfig({ id: waiting.id, pushNotificationConfigId: "hook" });
assert.equal((await client.cancelTask({ id: waiting.id })).status.state, "canceled");
await assert.rejects(client.cancelTask({ id: waiting.id }), /TaskNotCancelable/);
await assert.rejects(client.getTask({ id: "none" }), /TaskNotFound/);
console.log("ok");
