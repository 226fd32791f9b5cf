import type { Fact } from "./fact.js";

/** What installs the dependencies: its files are found, but `uv` can do it for each of them. */
export const managers = ["uv", "poetry", "pdm", "pipenv", "pip"] as const;
export type Manager = (typeof managers)[number];

export const testRunners = ["pytest", "django"] as const;
export type TestRunner = (typeof testRunners)[number];

/** Of tests that run side by side. */
export const mostProcesses = 64;
export const isProcesses = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= mostProcesses;

/** Services that the pipeline starts. */
export const services = ["postgres", "redis", "kafka"] as const;
export type Service = (typeof services)[number];

export const servers = ["wsgi", "asgi"] as const;
export type Server = (typeof servers)[number];

/** A front end that Node builds. */
export interface Frontend {
  /** Relative to the project's folder; "." for itself. */
  folder: string;
  manager: "npm" | "yarn" | "pnpm" | "bun";
  /** Of package.json's scripts. */
  script: string;
}

/** A Dockerfile of the project's own. */
export interface Dockerfile {
  /** Relative to the project's folder, which is the build context. */
  path: string;
  /** By default the last one. */
  stage?: string;
  /** Build arguments by name. */
  args?: Record<string, string>;
}

/** What is known of a Django project from its files. All paths are relative to its folder. */
export interface Project {
  /** Path of manage.py. Its folder is where commands run. */
  manage: Fact<string>;
  /** Settings module that manage.py names; "" if none was found. */
  settings: Fact<string>;
  testSettings: Fact<string>;
  productionSettings: Fact<string>;
  /** "mysite.wsgi:application". */
  wsgi?: Fact<string>;
  asgi?: Fact<string>;
  /** Which of both serves the project. */
  server: Fact<Server>;
  /** "mysite.celery:app". */
  celery?: Fact<string>;
  /** Version "3.12" or "3.12.4". */
  python: Fact<string>;
  /** Version of Django: the locked or pinned one, or the lowest allowed. */
  django?: Fact<string>;
  manager: Fact<Manager>;
  /** Lock files or requirements files that a production image installs, or pyproject.toml; "group:NAME", "extra:NAME". */
  dependencies: Fact<string[]>;
  /** What tests need in addition: files, "group:NAME" and "extra:NAME". */
  testDependencies: Fact<string[]>;
  /** Whether those for tests include production's, as requirements/test.txt with "-r base.txt" does. */
  testsAreComplete: boolean;
  /** The file that the lock file was made of; in a workspace it is in another folder. */
  manifest?: string;
  /** Specifiers of the declared packages by normalised name, those for tests included. */
  pythonPackages: Record<string, Fact<string>>;
  /** Extras by the package that they are asked of: "celery[redis]". */
  extras: Record<string, string[]>;
  testRunner: Fact<TestRunner>;
  /** Processes that run the tests side by side, by default 1; 0 for one for each processor. */
  parallel?: Fact<number>;
  services: Fact<Service>[];
  /** Commands that run beside the web server, by name. */
  processes: Record<string, Fact<string>>;
  /** Commands of a release; "migrate" stands for the migrations, which come first if it is missing. */
  release?: Fact<string[]>;
  frontend?: Fact<Frontend>;
  /** Names of environment variables that the project documents. */
  environmentNames: Fact<string>[];
  /** What stackline.json assigns to environment variables, by name. */
  environment: Record<string, Fact<string>>;
  /** Python packages that stackline.json adds to those that the project declares. */
  requirements: Fact<string>[];
  /** Dockerfiles that build the images, if stackline.json names them: production's, and that of the tests. */
  dockerfile?: Fact<Dockerfile>;
  testDockerfile?: Fact<Dockerfile>;
  /** System packages that stackline.json names. */
  packages: Fact<string>[];
  /** Remarks of one line, with file: what is used, but not part of the stack. */
  notes: string[];
  /** Why the project is not supported, one line each: without any, it is. */
  problems: string[];
}
