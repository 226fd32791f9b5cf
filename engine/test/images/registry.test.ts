import { expect, test } from "vitest";
import { isNoAnswer } from "../../src/images/registry.ts";

test.each([
  'Get "https://registry.example/v2/": dial tcp: lookup registry.example on 10.0.0.1:53: no such host',
  'Get "https://registry.example/v2/": dial tcp 10.1.2.3:443: connect: connection refused',
  'Get "https://registry.example/v2/": net/http: request canceled while waiting for connection',
  'Get "https://registry.example/v2/": x509: certificate signed by unknown authority',
  'Get "https://registry.example/v2/": net/http: TLS handshake timeout',
  'Get "https://registry.example/v2/": proxyconnect tcp: dial tcp: lookup proxy: server misbehaving',
  'Get "https://registry.example/v2/": EOF',
  "read tcp 172.17.0.2:1->10.0.0.1:443: read: connection reset by peer",
  "timed out: no answer from the registry",
])("counts as no answer: %s", (message) => expect(isNoAnswer(message)).toBe(true));

test.each([
  "manifest for python:0.0 not found: manifest unknown: manifest unknown",
  "pull access denied for nobody/nothing, repository does not exist or may require 'docker login'",
  "unauthorized: authentication required",
  "toomanyrequests: You have reached your pull rate limit",
  "no matching manifest for linux/arm64/v8 in the manifest list entries",
])("counts as an answer: %s", (message) => expect(isNoAnswer(message)).toBe(false));
