import { UserError } from "../core/errors.ts";
import { type Endpoint, remedy } from "./endpoint.ts";

/** The connection to Docker failed; the message names the address, what chose it, and the remedy. */
export class DockerConnectionError extends UserError {}

const TLS_TO_PLAIN = /wrong version number|packet length too long/i;
const PLAIN_TO_TLS = /HTTP request to an HTTPS server/i;
const NO_CLIENT_CERTIFICATE = /certificate.required|bad.certificate|handshake.failure|hang up|ECONNRESET/i;
const TLS_CODES = /^(ERR_(TLS|SSL)|CERT_|.*CERT|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$)/;

/** Whether an answer means that Docker expects TLS on this port. */
export function wantsTls(error: { statusCode?: number; message: string }): boolean {
  return error.statusCode === 400 && PLAIN_TO_TLS.test(error.message);
}

export function connectionError(endpoint: Endpoint, error: NodeJS.ErrnoException): DockerConnectionError {
  return new DockerConnectionError(describe(endpoint, error), { cause: error });
}

function describe(endpoint: Endpoint, { code = "", message }: NodeJS.ErrnoException): string {
  const { address, source, tls } = endpoint;
  const which = `at ${address} (${source})`;
  if (PLAIN_TO_TLS.test(message))
    return `Docker ${which} expects TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem`;
  if (code === "EACCES" || code === "EPERM")
    return `Docker's socket ${address} (${source}) may not be opened (${code}): run as root or join the group \`docker\``;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `Docker does not answer ${which}: the host name is unknown (${code}): ${remedy(source)}`;
  if (tls && TLS_TO_PLAIN.test(message))
    return `Docker ${which} does not speak TLS: unset DOCKER_TLS_VERIFY and DOCKER_TLS, or use its port for TLS`;
  if (tls && !tls.cert && NO_CLIENT_CERTIFICATE.test(`${code} ${message}`))
    return `Docker ${which} rejected the connection: ${tls.folder} has no cert.pem and key.pem, which it may require`;
  if (tls && TLS_CODES.test(code))
    return `Docker ${which}: TLS failed: ${message}. Its certificate must be valid for this name and signed by ${tls.folder}/ca.pem`;
  return `Docker does not answer ${which}: ${code || message}: start it, or ${remedy(source)}`;
}
