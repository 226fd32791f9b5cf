import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it, test } from "vitest";
import { fields } from "../src/project/configuration.ts";
import { asTable } from "../src/project/inspect.ts";
import { requireSupported } from "../src/project/problems.ts";
import { detectIn, refusalOf, startproject } from "./project-folders.ts";
import { root } from "./support.ts";

const schema = JSON.parse(readFileSync(join(root, "ci", "stackline.schema.json"), "utf8"));
const isValid = new Ajv().compile(schema);
const given = (value: unknown): Record<string, string> =>
  startproject({
    "requirements.txt": "django\n",
    Dockerfile: "",
    "stackline.json": JSON.stringify(value, null, 2),
  });

describe("stackline.json", () => {
  test("the schema for editors has the same names, each with a description", () => {
    const { $schema, ...properties } = schema.properties;
    expect(Object.keys(properties).sort()).toEqual(Object.keys(fields).sort());
    expect(
      Object.values(properties).filter((item) => !(item as { description?: string }).description),
    ).toEqual([]);
  });

  test.each<[value: Record<string, unknown>, valid: boolean]>([
    [{}, true],
    [{ $schema: "./stackline.schema.json" }, true],
    [{ manage: "manage.py" }, true],
    [{ manage: "/manage.py" }, false],
    [{ manage: "../manage.py" }, false],
    [{ manage: "mysite" }, false],
    [{ settings: "mysite.settings" }, true],
    [{ settings: "mysite/settings.py" }, false],
    [{ settings: 1 }, false],
    [{ testSettings: "mysite.settings.test" }, true],
    [{ productionSettings: "mysite-x" }, false],
    [{ wsgi: "mysite.wsgi:application" }, true],
    [{ wsgi: "mysite.wsgi:create_app()" }, true],
    [{ wsgi: "mysite.wsgi" }, false],
    [{ wsgi: false }, true],
    [{ wsgi: true }, false],
    [{ asgi: false }, true],
    [{ server: "asgi" }, true],
    [{ server: "uwsgi" }, false],
    [{ celery: false }, true],
    [{ celery: "mysite.celery:app" }, true],
    [{ celery: "mysite" }, false],
    [{ python: "3.12" }, true],
    [{ python: "3.12.4" }, true],
    [{ python: 3.12 }, false],
    [{ python: ">=3.12" }, false],
    [{ manager: "uv" }, true],
    [{ manager: "conda" }, false],
    [{ dependencies: ["requirements.txt", "group:prod"] }, true],
    [{ dependencies: "requirements.txt" }, false],
    [{ dependencies: ["../requirements.txt"] }, false],
    [{ dependencies: ["/requirements.txt"] }, false],
    [{ testDependencies: ["extra:test"] }, true],
    [{ testDependencies: [1] }, false],
    [{ testRunner: "pytest" }, true],
    [{ testRunner: "nose" }, false],
    [{ parallel: 0 }, true],
    [{ parallel: 65 }, false],
    [{ parallel: "2" }, false],
    [{ services: ["postgres", "redis", "kafka"] }, true],
    [{ services: [] }, true],
    [{ services: ["mysql"] }, false],
    [{ processes: { consumer: "python manage.py consume" } }, true],
    [{ processes: { consumer: false } }, true],
    [{ processes: { Consumer: "x" } }, false],
    [{ processes: { consumer: "" } }, false],
    [{ processes: ["x"] }, false],
    [{ frontend: false }, true],
    [{ frontend: { folder: "ui", manager: "npm", script: "build" } }, true],
    [{ frontend: { folder: "ui" } }, false],
    [{ frontend: { folder: "../ui", manager: "npm", script: "build" } }, false],
    [{ environment: { DB_HOST: "$" + "{DATABASE_HOST}" } }, true],
    [{ environment: { "DB-HOST": "x" } }, false],
    [{ environment: { DB_HOST: 1 } }, false],
    [{ dockerfile: "Dockerfile" }, true],
    [{ testDockerfile: { path: "Dockerfile", stage: "test", args: { DEBUG: "1" } } }, true],
    [{ dockerfile: { stage: "production" } }, false],
    [{ dockerfile: { path: "Dockerfile", target: "production" } }, false],
    [{ dockerfile: { path: "Dockerfile", stage: "a b" } }, false],
    [{ dockerfile: { path: "Dockerfile", args: { DEBUG: 1 } } }, false],
    [{ dockerfile: "../Dockerfile" }, false],
    [{ packages: ["gdal-bin", "libmagic1", "g++"] }, true],
    [{ packages: ["gdal-bin; rm -rf /"] }, false],
    [{ packages: ["GDAL"] }, false],
    [{ requirements: ["packaging", "setuptools<81", "celery[redis]>=5,<6"] }, true],
    [{ requirements: ["packaging; rm"] }, false],
    [{ requirements: ["-r other.txt"] }, false],
    [{ pyton: "3.12" }, false],
  ])("%j is valid: %s, for editors and for detection", async (value, valid) => {
    expect(isValid(value), JSON.stringify(isValid.errors)).toBe(valid);
    const message = await refusalOf(given(value));
    expect(message === undefined, message).toBe(valid);
    expect(message ?? "").not.toContain("\n");
  });

  test.each<[text: string, message: string | RegExp]>([
    ['{\n  "pyton": "3.12"\n}', 'stackline.json:2: there is no "pyton": did you mean "python"?'],
    ['{"setting": "x.y"}', 'stackline.json:1: there is no "setting": did you mean "settings"?'],
    [
      '{"test_settings": "x.y"}',
      'stackline.json:1: there is no "test_settings": did you mean "testSettings"?',
    ],
    ['{"Celery": false}', 'stackline.json:1: there is no "Celery": did you mean "celery"?'],
    ['{"toString": 1}', /^stackline\.json:1: there is no "toString": /],
    ['{"zzzzzz": 1}', /^stackline\.json:1: there is no "zzzzzz": the names are manage, settings, /],
    [
      '{"services": ["postgress"]}',
      'stackline.json:1: services is ["postgress"]; it must be a list of postgres, redis, kafka: did you mean "postgres"?',
    ],
    [
      '{"testRunner": "pytests"}',
      'stackline.json:1: testRunner is "pytests"; it must be one of pytest, django: did you mean "pytest"?',
    ],
    ['{"python": 3.12}', 'stackline.json:1: python is 3.12; it must be a version such as "3.12" or "3.12.4"'],
    ['{"manage": "web/manage.py"}', 'stackline.json: there is no file "web/manage.py" in the project'],
    ['{"dependencies": ["reqs.txt"]}', 'stackline.json: there is no file "reqs.txt" in the project'],
    ['{"dockerfile": "Containerfile"}', 'stackline.json: there is no file "Containerfile" in the project'],
    ["{", /^stackline\.json: not valid JSON: /],
    ["[]", "stackline.json: must contain one JSON object"],
    ['{"python": "3.12",}', /^stackline\.json: not valid JSON: /],
  ])("%s is refused in one line", async (text, message) => {
    const refusal = (await refusalOf(startproject({ "stackline.json": text }))) ?? "";
    expect(refusal).toMatch(
      typeof message === "string"
        ? new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`)
        : message,
    );
    expect(refusal).not.toContain("\n");
  });

  it("corrects one fact and leaves the others to detection", async () => {
    const [before, after] = await Promise.all([detectIn(given({})), detectIn(given({ python: "3.13" }))]);
    expect({ ...after, python: before.python }).toEqual(before);
    expect(after.python).toEqual({ value: "3.13", origin: "configured", file: "stackline.json", line: 2 });
  });

  it("adds environment variables and system packages", async () => {
    const { environment, packages } = await detectIn(
      given({ environment: { DB: "x" }, packages: ["libmagic1"] }),
    );
    expect(environment.DB).toMatchObject({ value: "x", origin: "configured" });
    expect(packages).toEqual([{ value: "libmagic1", origin: "configured", file: "stackline.json", line: 5 }]);
  });
});

describe("the table", () => {
  it("names what was found, its value and its source, in columns", async () => {
    const tree = startproject({ "requirements.txt": "django==4.2\npsycopg\n", ".env.example": "A=\nB=\n" });
    const lines = asTable(await detectIn(tree)).split("\n");
    expect(lines).toContainEqual(expect.stringMatching(/^settings +mysite\.settings +manage\.py:9$/));
    expect(lines).toContainEqual(expect.stringMatching(/^service +postgres +requirements\.txt:2 \(guess\)$/));
    expect(lines).toContainEqual(expect.stringMatching(/^Python +3\.8\.5 +default$/));
    expect(lines).toContainEqual(expect.stringMatching(/^declared packages +2 +requirements\.txt$/));
    expect(lines).toContainEqual(expect.stringMatching(/^environment variables +A, B +\.env\.example$/));
    const column = (lines[0] as string).indexOf("value");
    expect(lines.slice(0, 10).map((line) => line[column - 1])).toEqual(Array(10).fill(" "));
  });

  it("ends with remarks and problems", async () => {
    const tree = startproject({
      "mysite/settings.py": "",
      "requirements.txt": "django\nmysqlclient\npymongo\n",
    });
    expect(
      asTable(await detectIn(tree))
        .trimEnd()
        .split("\n")
        .slice(-2),
    ).toEqual([
      "note: MongoDB (requirements.txt:3) is not part of the stack",
      expect.stringMatching(/^problem: requirements\.txt:2: MySQL is not supported: /),
    ]);
  });
});

it("what is not supported is refused with the first problem", async () => {
  const project = await detectIn(
    startproject({ "mysite/settings.py": "", "requirements.txt": "mysqlclient\n" }),
  );
  expect(() => requireSupported(project)).toThrow(/^requirements\.txt:1: MySQL is not supported/);
  expect(() => requireSupported({ problems: [] })).not.toThrow();
});
