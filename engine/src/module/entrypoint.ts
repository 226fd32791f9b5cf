// Runs in a process of its own, once for each call of a module's function: hands the module's files to the SDK, which
// asks the session what to do. The files come as arguments.
import { entrypoint } from "@dagger.io/dagger";

await entrypoint(process.argv.slice(2));
