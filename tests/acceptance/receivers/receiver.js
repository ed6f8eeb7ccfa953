// A receiver of webhooks in nothing but Node's standard library, written from docs/howto/receive-webhooks.md alone.
//
//   FLEETWRITE_WEBHOOK_SECRET=... node receiver.js 8000
//
// It wants both signatures, prints what it found as a line of JSON, and answers 202, or 401, or 400.

"use strict";

const crypto = require("node:crypto");
const http = require("node:http");
const zlib = require("node:zlib");

const SECRET = process.env.FLEETWRITE_WEBHOOK_SECRET;
const LONGEST_BODY = 10 * 1024 * 1024;
const CLOCKS_MAY_DIFFER_S = 5 * 60;

function hmac(key, parts) {
  const digest = crypto.createHmac("sha256", key);
  for (const part of parts) digest.update(part);
  return digest.digest("base64");
}

function same(made, claimed) {
  const [one, other] = [Buffer.from(made), Buffer.from(claimed)];
  return one.length === other.length && crypto.timingSafeEqual(one, other);
}

function isRecent(seconds) {
  return Math.abs(Date.now() / 1000 - seconds) <= CLOCKS_MAY_DIFFER_S; // false for what is no number
}

function verifiesContract(headers, header, body) {
  const timestamp = headers["x-catena-timestamp"] ?? "";
  const made = hmac(Buffer.from(SECRET, "utf8"), [timestamp, ".", body]);
  return same(made, headers[header] ?? "") && isRecent(Date.parse(timestamp) / 1000);
}

function standardKey() {
  return SECRET.startsWith("whsec_")
    ? Buffer.from(SECRET.slice("whsec_".length), "base64")
    : Buffer.from(SECRET, "utf8");
}

function verifiesStandard(headers, body) {
  const [id, timestamp] = [headers["webhook-id"] ?? "", headers["webhook-timestamp"] ?? ""];
  const made = "v1," + hmac(standardKey(), [id, ".", timestamp, ".", body]);
  const claimed = (headers["webhook-signature"] ?? "").split(" ");
  return claimed.some((one) => same(made, one)) && isRecent(Number(timestamp));
}

function take(headers, raw) {
  let body = raw;
  if (headers["content-encoding"] === "gzip") {
    try {
      body = zlib.gunzipSync(raw, { maxOutputLength: LONGEST_BODY });
    } catch (error) {
      return { status: 400, error: error.message };
    }
  }
  const contract = verifiesContract(headers, "x-catena-signature", body);
  const previous = verifiesContract(headers, "fleetwrite-previous-signature", body);
  const standard = verifiesStandard(headers, body);
  const isGenuine = (contract || previous) && standard;
  return { status: isGenuine ? 202 : 401, contract, previous, standard, event: isGenuine ? JSON.parse(body) : null };
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const taken = take(request.headers, Buffer.concat(chunks));
    console.log(JSON.stringify(taken));
    response.writeHead(taken.status).end();
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1", () => console.error(`listening on port ${server.address().port}`));
