export interface ExecOptions {
  command: string[];
  stdin: string;
  /** Paths in the container; "" is none. */
  redirectStdin: string;
  redirectStdout: string;
  redirectStderr: string;
  expect: "SUCCESS" | "FAILURE" | "ANY";
  privileged: boolean;
  noInit: boolean;
}
