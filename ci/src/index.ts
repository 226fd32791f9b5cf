/**
 * A CI/CD pipeline for a Django, Celery, PostgreSQL, Redis, Kafka and nginx stack.
 */
import { argument, check, type Container, dag, type Directory, func, object } from "@dagger.io/dagger";

@object()
export class Stackline {
  /** Say hello. */
  @func()
  async hello(name: string = "world"): Promise<string> {
    return dag.container().from("redis:7-alpine").withExec(["echo", `hello ${name}`]).stdout();
  }

  /** Build the image. */
  @func()
  build(@argument({ defaultPath: "/app", ignore: ["**/__pycache__"] }) app: Directory): Container {
    return app.dockerBuild();
  }

  /** Fail. */
  @func()
  @check()
  async lint(): Promise<string> {
    return dag.container().from("redis:7-alpine").withExec(["sh", "-c", "echo out; echo err >&2; exit 3"]).stdout();
  }
}
