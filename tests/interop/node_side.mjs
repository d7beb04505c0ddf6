// A back end in Node: functions come as lines of JSON, are called with the vendors' clients, and
// their answers go back as lines of JSON. Dates are dates on both sides: {"$date": "2026-…Z"}.
//
// An ES module finds packages from its own folder upward, so this file lies beside node_modules.

import diagnostics from 'node:diagnostics_channel';
import readline from 'node:readline';

const { SERVICE_URL, TWILIO_ACCOUNT, TWILIO_KEY, TWILIO_SECRET, ACS_KEY } = process.env;

/** The helper as a back end has it, with the one line that leads it here. */
async function twilioClients() {
  const { default: twilio } = await import('twilio');
  const connect = (options = {}) => {
    const client = twilio(TWILIO_KEY, TWILIO_SECRET, { accountSid: TWILIO_ACCOUNT, ...options });
    client.video.baseUrl = SERVICE_URL;
    return client;
  };
  const client = connect();
  const credentials = [TWILIO_ACCOUNT, TWILIO_KEY, TWILIO_SECRET];
  return { twilio, connect, client, credentials, video: client.video.v1 };
}

/** Microsoft's clients, from a connection string, as the portal shows one. */
async function azureClients() {
  const azure = {
    ...(await import('@azure/communication-identity')),
    ...(await import('@azure/communication-rooms')),
    ...(await import('@azure/communication-call-automation')),
  };
  const text = `endpoint=${SERVICE_URL};accesskey=${ACS_KEY}`;
  const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
  return {
    azure,
    all,
    identity: new azure.CommunicationIdentityClient(text, options),
    rooms: new azure.RoomsClient(text, options),
    automation: new azure.CallAutomationClient(text, options),
  };
}

/** Every item of a paged list. */
async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** Every request that was answered since they were last asked for, whoever of the clients made it. */
let requests = [];
diagnostics.subscribe('http.client.response.finish', ({ request, response }) => {
  requests.push([request.method, request.path, response.statusCode]);
});

function takeRequests() {
  const taken = requests;
  requests = [];
  return taken;
}

function written(value) {
  // `value` of a replacer is what toJSON() made of a date; the holder still has it.
  return JSON.stringify(value, function (key, plain) {
    return this[key] instanceof Date ? { $date: this[key].toISOString() } : plain;
  });
}

function read(line) {
  return JSON.parse(line, (key, value) => (value?.$date ? new Date(value.$date) : value));
}

function described(error) {
  return {
    name: error.constructor?.name ?? typeof error,
    status: error.status ?? error.statusCode ?? null,
    code: error.code ?? null,
    message: error.message ?? String(error),
  };
}

const clients = {
  takeRequests,
  ...(TWILIO_KEY ? await twilioClients() : {}),
  ...(ACS_KEY ? await azureClients() : {}),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { source, args } = read(line);
  let answer;
  try {
    const work = new Function(`return (${source});`)();
    answer = { value: (await work(clients, ...args)) ?? null };
  } catch (error) {
    answer = { error: described(error) };
  }
  process.stdout.write(`${written(answer)}\n`);
}
// Sockets that are kept for the next request would keep the process.
process.exit(0);
