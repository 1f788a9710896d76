// A server of Azure Blob Storage for tests: Azurite, in memory.
//
// Says `port <n>` when it listens. Every line on standard input names a container to make, answered
// with `made <name>`. Ends when standard input does, so that it never outlives the test.

const path = require("path");
const readline = require("readline");

const modules = process.argv[2];
const load = (name) => require(require.resolve(name, { paths: [modules] }));

// The account that every emulator knows.
const account = "devstoreaccount1";
const key =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

let port;
const say = console.log;
console.log = (text) => {
  const listening = /successfully listen\w* \w+ http:\/\/127\.0\.0\.1:(\d+)/.exec(String(text));
  if (listening) {
    port = Number(listening[1]);
    say(`port ${port}`);
  }
};

const blobMain = require.resolve("azurite/dist/src/blob/main.js", { paths: [modules] });
process.argv = [
  process.argv[0],
  blobMain,
  "--blobHost=127.0.0.1",
  "--blobPort=0",
  "--inMemoryPersistence",
  "--silent",
  "--skipApiVersionCheck",
  "--disableTelemetry",
];
require(blobMain);

const { BlobServiceClient, StorageSharedKeyCredential } = load("@azure/storage-blob");

async function make(container) {
  const url = `http://127.0.0.1:${port}/${account}`;
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(account, key));
  await service.createContainer(container);
  say(`made ${container}`);
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => make(line.trim()));
lines.on("close", () => process.exit(0));
