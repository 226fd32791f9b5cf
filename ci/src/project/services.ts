import type { Declared } from "./declared.js";
import { describePlace, type Fact, guessed, type Place } from "./fact.js";
import { type Service, services } from "./project.js";
import type { SettingsFile } from "./settings.js";

/** Signs of a service: packages, and texts in settings. */
interface Signs {
  packages?: RegExp;
  settings: RegExp;
  /** Of Celery's and others' extras, as in "celery[redis]". */
  extra?: string;
}

const signs: Record<Service, Signs> = {
  postgres: {
    packages:
      /^(psycopg([23]?)(-binary|-c|-pool)?|psycopg2cffi|asyncpg|pg8000|django-pgtrigger|django-postgres-.*)$/,
    settings:
      /^(postgres(ql)?|postgis|pgsql|psql):\/\/|^(django\.db\.backends\.postgresql|django\.contrib\.gis\.db\.backends\.postgis|psqlextra\.backend|.*\.backends?\.postgresql)/,
  },
  redis: {
    packages:
      /^(redis|valkey|hiredis|django-redis(-cache)?|django-valkey|channels-redis|rq|django-rq|huey|django-rq-scheduler|celery-redbeat|django-redis-sessions|redis-py-cluster|django-cacheops|django-dramatiq)$/,
    settings:
      /^(rediss?|valkeys?|unix\+redis):\/\/|django_redis\.|django\.core\.cache\.backends\.redis|channels_redis\.|django_valkey\./,
    extra: "redis",
  },
  kafka: {
    packages: /^(kafka-python(-ng)?|confluent-kafka|aiokafka|faust(-streaming)?|django-kafka.*|pykafka)$/,
    settings: /^kafka:\/\//,
  },
};

/** What some projects use and this pipeline does not start. */
const others: Record<string, Signs> = {
  PostGIS: { settings: /gis\.db\.backends\.postgis|^postgis:\/\// },
  pgvector: { packages: /^pgvector$/, settings: /^pgvector\.django/ },
  RabbitMQ: { packages: /^(pika|aio-pika|librabbitmq)$/, settings: /^(amqps?|pyamqp):\/\// },
  Elasticsearch: {
    packages: /^(elasticsearch\d?|elasticsearch-dsl|django-elasticsearch-dsl)$/,
    settings: /elasticsearch\d?_?backend|\.search\.backends\.elasticsearch/,
  },
  OpenSearch: { packages: /^(opensearch-py|django-opensearch-dsl)$/, settings: /opensearch_backend/ },
  Memcached: {
    packages: /^(pylibmc|pymemcache|python-memcached|django-pylibmc)$/,
    settings: /cache\.backends\.memcached/,
  },
  MongoDB: {
    packages: /^(pymongo|mongoengine|djongo|django-mongodb-backend)$/,
    settings: /^mongodb(\+srv)?:\/\/|django_mongodb_backend/,
  },
};

/** Databases that are not supported as the only one. */
const unsupported: Record<string, Signs> = {
  MySQL: {
    packages: /^(mysqlclient|pymysql|mysql-connector-python|django-mysql)$/,
    settings: /backends\.mysql|^mysql:\/\/|mysql\.connector\.django/,
  },
  Oracle: { packages: /^(oracledb|cx-oracle)$/, settings: /backends\.oracle|^oracle:\/\// },
  "SQL Server": {
    packages: /^(mssql-django|django-mssql-backend|pyodbc)$/,
    settings: /^(mssql|sql_server\.pyodbc)$/,
  },
};

export interface Uses {
  services: Fact<Service>[];
  notes: string[];
  problems: string[];
}

/** What the packages and the texts of the settings suggest. Django itself knows better, once it can be asked. */
export function findServices(
  packages: Record<string, Fact<string>>,
  extras: Record<string, string[]>,
  settings: SettingsFile[],
): Uses {
  const place = (sign: Signs): Place | undefined => signOf(sign, packages, extras, settings);
  const used = services.flatMap((name) => {
    const because = place(signs[name]);
    return because ? [guessed(name, because)] : [];
  });
  const notes = Object.entries(others).flatMap(([name, sign]) => {
    const because = place(sign);
    return because ? [`${name} (${describePlace(because)}) is not part of the stack`] : [];
  });
  const hasPostgres = used.some(({ value }) => value === "postgres");
  const hasOther =
    hasPostgres || settings.some(({ source }) => source.texts().some(({ text }) => isSqlite.test(text)));
  const rivals = Object.entries(unsupported).flatMap(([name, sign]) => {
    const because = hasPostgres ? undefined : place(sign);
    return because ? [{ name, where: describePlace(because) }] : [];
  });
  if (hasOther)
    return {
      services: used,
      notes: [...notes, ...rivals.map(({ name, where }) => `${name} (${where}) is not part of the stack`)],
      problems: [],
    };
  const problems = rivals.map(
    ({ name, where }) =>
      `${where}: ${name} is not supported: the database must be PostgreSQL or SQLite; if the project can use one of them, write "services": ["postgres"], or [] for SQLite, into stackline.json`,
  );
  return { services: used, notes, problems };
}

const isSqlite =
  /^(django\.db\.backends\.sqlite3|django\.contrib\.gis\.db\.backends\.spatialite|sqlite:\/\/.*)$/;

/** Whether the packages for tests lack what production reaches its services with: the driver of PostgreSQL, a client of another. */
export function lacksClient(main: Declared[], tests: Declared[]): boolean {
  const names = new Set(tests.map(({ name }) => name));
  return services.some((service) => {
    const clients = main.filter(({ name }) => signs[service].packages?.test(name));
    // One driver is as good as the other: psycopg2 and psycopg2-binary.
    if (service === "postgres" && tests.some(({ name }) => signs.postgres.packages?.test(name))) return false;
    return clients.some(({ name }) => !names.has(name));
  });
}

function signOf(
  sign: Signs,
  packages: Record<string, Fact<string>>,
  extras: Record<string, string[]>,
  settings: SettingsFile[],
): Place | undefined {
  for (const [name, fact] of Object.entries(packages)) {
    const named =
      sign.packages?.test(name) || (sign.extra !== undefined && extras[name]?.includes(sign.extra));
    if (named && fact.file) return { file: fact.file, line: fact.line };
  }
  for (const { path, source } of settings) {
    const text = source.texts().find((item) => sign.settings.test(item.text));
    if (text) return { file: path, line: text.line };
  }
  return undefined;
}
