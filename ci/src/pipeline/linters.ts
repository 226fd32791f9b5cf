import { type Container, type Directory, dag, ReturnType } from "@dagger.io/dagger";
import { withEnvironment } from "../stack/services.js";
import { nginxSettings } from "../stack/stack.js";
import { images } from "../versions.js";
import { withMarker } from "./cache-marker.js";

/** `run` returns a container whose last exec is the verdict, or undefined if the project has no files for this linter. */
export interface Linter {
  name: string;
  run(source: Directory): Promise<Container | undefined>;
}

/** A project's own rules are applied as they are. Without any, a linter reports what is an error in any project, such as a syntax error. */
export const linters: Linter[] = [
  { name: "ruff", run: ruff },
  { name: "typescript", run: typescript },
  { name: "shellcheck", run: shellcheck },
  { name: "yaml", run: yaml },
  { name: "compose", run: compose },
  { name: "nginx", run: nginx },
  { name: "runners", run: runners },
];

/** Runs a shell line on the files of the project; its exit code is the verdict. */
function judge(container: Container, source: Directory, line: string): Container {
  return container
    .withMountedDirectory("/src", source)
    .withWorkdir("/src")
    .withExec(withMarker(["sh", "-euc", line]), { expect: ReturnType.Any });
}

/** A container with a Python tool. Its requirements pin every package, transitive ones too, with the hashes of its files. */
async function python(tool: "ruff" | "yamllint" | "docker-compose" | "check-jsonschema"): Promise<Container> {
  const file = dag.currentModule().source().file(`src/pipeline/requirements/${tool}.txt`);
  return dag
    .container()
    .from(images.python)
    .withMountedCache("/root/.cache/pip", dag.cacheVolume("pip"))
    .withNewFile("/requirements.txt", await file.contents())
    .withExec([
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--require-hashes",
      "-r",
      "/requirements.txt",
    ]);
}

/**
 * Every folder with rules, and its format if they have a section for that. Without any: syntax errors and undefined names. The
 * rules of ci/image are not the project's.
 */
const ruffLine = `
settings=$(find . -name ruff.toml -o -name .ruff.toml; grep -rl --include=pyproject.toml '^\\[tool\\.ruff' . || true)
own=$(echo "$settings" | grep -v '^\\./ci/image/' || true)
code=0
while read -r file; do
  folder=\${file%/*}
  case $file in
    "") ;;
    */manage.py) [ -n "$own" ] || ruff check --no-cache --select E9,F63,F7,F82 "$folder" || code=1 ;;
    *)
      ruff check --no-cache "$folder" || code=1
      ! grep -qE '^\\[(tool\\.ruff\\.)?format\\]' "$file" || ruff format --no-cache --check "$folder" || code=1
      ;;
  esac
done <<end
$settings
$(find . -name manage.py)
end
exit $code`;

async function ruff(source: Directory): Promise<Container | undefined> {
  const sources = source.filter({
    include: ["**/*.py", "**/ruff.toml", "**/.ruff.toml", "**/pyproject.toml"],
    exclude: ["**/node_modules", "**/.venv", "**/venv"],
  });
  if ((await sources.glob("**/*.py")).length === 0) return undefined;
  return judge(await python("ruff"), sources, ruffLine);
}

const biomeLine = `
npx biome check --vcs-enabled=false .
[ ! -f tsconfig.json ] || npx tsc --noEmit`;

async function typescript(source: Directory): Promise<Container | undefined> {
  const needed = await Promise.all(["biome.json", "package-lock.json"].map((name) => source.exists(name)));
  if (needed.includes(false)) return undefined;
  // Those of npm workspaces, too.
  const manifests = source.filter({
    include: ["package.json", "package-lock.json", "*/package.json"],
    exclude: ["app"],
  });
  const installed = dag
    .container()
    .from(images.node)
    .withWorkdir("/src")
    .withMountedCache("/root/.npm", dag.cacheVolume("npm"))
    // Manifests first, so that editing a source file does not invalidate the layer with node_modules.
    .withDirectory("/src", manifests)
    .withExec(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
  const sources = source.filter({
    include: ["**/*.ts", "**/*.mjs", "**/*.mts", "**/*.json", ".gitignore"],
    exclude: ["app"],
  });
  // Copied, because a mount would hide node_modules. The container has no Git, which biome would use for ignored files.
  return installed.withDirectory("/src", sources).withExec(withMarker(["sh", "-euc", biomeLine]), {
    expect: ReturnType.Any,
  });
}

const shellcheckLine = `
least=error
[ -z "$(find . -name .shellcheckrc)" ] || least=style
find . -type f -exec sh -c 'head -n 1 "$1" | grep -qE "^#!.*(bash|/sh|env sh)"' _ {} \\; -print0 |
  xargs -0 -r shellcheck --external-sources --severity="$least"`;

async function shellcheck(source: Directory): Promise<Container | undefined> {
  const scripts = source.filter({
    include: ["scripts", ".ci", "ci/image", "**/*.sh", "**/.shellcheckrc"],
    exclude: ["**/node_modules", "**/.venv", "**/venv"],
  });
  if ((await scripts.entries()).length === 0) return undefined;
  return judge(dag.container().from(images.shellcheck), scripts, shellcheckLine);
}

/** A file for a template engine, as in a Helm chart, is not YAML yet. */
const yamllintLine = `
if [ -n "$(ls -d .yamllint* 2>/dev/null)" ]; then
  yamllint --strict .
else
  find . -name '*.y*ml' -exec grep -LE '\\{%|^ *\\{\\{' {} + | tr '\\n' '\\0' | xargs -0 -r yamllint --config-data 'rules: {}'
fi`;

async function yaml(source: Directory): Promise<Container | undefined> {
  const files = source.filter({
    include: ["**/*.yml", "**/*.yaml", ".yamllint*"],
    exclude: ["**/node_modules", "**/.venv", "**/venv"],
  });
  if ((await files.glob("**/*.y*ml")).length === 0) return undefined;
  return judge(await python("yamllint"), files, yamllintLine);
}

/** Whether the project has the files of this stack. Its rules do not hold for other compose files, nor its variables for another nginx. */
const hasStack = (source: Directory): Promise<boolean> =>
  source.exists("nginx/templates/default.conf.template");

/** Compose 1.29 is stricter than compose 2, and the files must be valid for both. It needs no Docker for this. */
async function compose(source: Directory): Promise<Container | undefined> {
  const files = source.filter({ include: ["docker-compose*.yml", "ci/image/Dockerfile"] });
  if (!(await hasStack(source)) || (await files.glob("*.yml")).length === 0) return undefined;
  const line =
    'for file in docker-compose*.yml; do echo "$file:"; docker-compose --file "$file" config --quiet; done';
  // The one variable without a default.
  return judge((await python("docker-compose")).withEnvVariable("APP_IMAGE", "app"), files, line);
}

/** Renders the templates as in production, through the image's entrypoint. */
async function nginx(source: Directory): Promise<Container | undefined> {
  if (!(await hasStack(source))) return undefined;
  const templates = source.filter({ include: ["nginx/**/*.template", "nginx/**/*.conf"] });
  const settings = { ...nginxSettings, APP_UPSTREAM: "app:8000" };
  const image = withEnvironment(dag.container().from(images.nginx), settings);
  const main = (await templates.glob("nginx/nginx.conf")).map((path) => templates.file(path));
  return main
    .reduce((container, file) => container.withFile("/etc/nginx/nginx.conf", file), image)
    .withDirectory("/etc/nginx/templates", templates.directory("nginx/templates"))
    .withExec(withMarker(["/docker-entrypoint.sh", "nginx", "-t"]), { expect: ReturnType.Any });
}

/** Configuration files of CI runners and of Renovate, with the schemas that check-jsonschema includes. */
const runnerFiles = {
  "github-workflows": ".github/workflows/*.yml",
  "gitlab-ci": ".gitlab-ci.yml",
  "circle-ci": ".circleci/config.yml",
  "bitbucket-pipelines": "bitbucket-pipelines.yml",
  "azure-pipelines": "azure-pipelines.yml",
  renovate: "renovate.json",
};

async function runners(source: Directory): Promise<Container | undefined> {
  const files = source.filter({ include: Object.values(runnerFiles) });
  if ((await files.entries()).length === 0) return undefined;
  const checks = Object.entries(runnerFiles).map(
    ([schema, names]) =>
      `for file in ${names}; do [ ! -f "$file" ] || check-jsonschema --builtin-schema vendor.${schema} "$file" || failed=1; done`,
  );
  return judge(await python("check-jsonschema"), files, ["failed=0", ...checks, "exit $failed"].join("\n"));
}
