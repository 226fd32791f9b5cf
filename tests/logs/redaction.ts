/** Values that the collector and the history know. */
export const known = {
  POSTGRES_PASSWORD: "canary pass'word \"1",
  REDIS_PASSWORD: "canary-redis",
  SECRET_KEY: "canary$key\\x",
  API_TOKEN: "",
};

const escaped = JSON.stringify(known.POSTGRES_PASSWORD).slice(1, -1);

/** A line with secrets, and what may be left of it. docs/logs.md promises no more than these cases. */
export const redactions: [line: string, left: string][] = [
  // Known values, wherever they are.
  [`no route: ${known.POSTGRES_PASSWORD}`, "no route: ***"],
  [`x_${known.SECRET_KEY}y and ${known.REDIS_PASSWORD}9`, "x_***y and ***9"],
  [`{"message":"x${escaped}x"}`, '{"message":"x***x"}'],
  // NAME=value and NAME: value
  ["password=hunter2 user=bob", "password=*** user=bob"],
  ["DB_PASSWORD: hunter2", "DB_PASSWORD: ***"],
  ["password1=hunter2&password2=hunter2", "password1=***&password2=***"],
  ["passwd = hunter2", "passwd = ***"],
  ["smtp_pass=hunter2", "smtp_pass=***"],
  ["pwd=hunter2", "pwd=***"],
  ["passphrase: hunter2", "passphrase: ***"],
  ["passcode=123456", "passcode=***"],
  ["sessionid=hunter2; path=/", "sessionid=***; path=/"],
  ["session_key: hunter2", "session_key: ***"],
  ["csrftoken=hunter2", "csrftoken=***"],
  ["client_secret=hunter2", "client_secret=***"],
  ["AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"],
  ["aws_access_key_id=x AccessKey=hunter2", "aws_access_key_id=x AccessKey=***"],
  ["AccountKey=hunter2==;x", "AccountKey=***;x"],
  ["x-api-key: hunter2", "x-api-key: ***"],
  ["SECRET_KEY=hunter2", "SECRET_KEY=***"],
  ["PRIVATE-KEY: hunter2", "PRIVATE-KEY: ***"],
  ["GET /a?token=hunter2&x=1 X-Amz-Signature=hunter2", "GET /a?token=***&x=1 X-Amz-Signature=***"],
  // Values with blanks, in quotes
  ['password="hunter 2" x', 'password="***" x'],
  ["{'password': 'hunter 2', 'x': 1}", "{'password': '***', 'x': 1}"],
  ["ALTER ROLE x PASSWORD 'hunter''s 2';", "ALTER ROLE x PASSWORD '***';"],
  ['{"message":"hello","password":"hunter \\"2\\"","x":1}', '{"message":"hello","password":"***","x":1}'],
  [
    '{"message":"{\\"token\\": \\"hunter 2\\", \\"x\\": 1}"}',
    '{"message":"{\\"token\\": \\"***\\", \\"x\\": 1}"}',
  ],
  ["run --password hunter2 --verbose", "run --password *** --verbose"],
  ["run --admin-token hunter2", "run --admin-token ***"],
  // Headers
  ["Authorization: Basic aHVudGVyMg==", "Authorization: Basic ***"],
  ["authorization=Bearer hunter2hunter2", "authorization=Bearer ***"],
  ["sent Bearer hunter2hunter2", "sent Bearer ***"],
  // URLs
  ["postgres://bob:hunter2@db/x", "postgres://bob:***@db/x"],
  ["postgres://bob:hunt@er@2@db/x", "postgres://bob:***@db/x"],
  ["Redis://:hunter2@redis:6379/0 failed", "Redis://:***@redis:6379/0 failed"],
  // No secrets
  ["GET http://registry:4873/@scope/name", "GET http://registry:4873/@scope/name"],
  ["KeyError: 'missing'", "KeyError: 'missing'"],
  ["passed: 10, session expired, monkey: 3", "passed: 10, session expired, monkey: 3"],
  ['{"message":"a token","path":"/x"}', '{"message":"a token","path":"/x"}'],
  ['{"message":"x","total_tokens":5}', '{"message":"x","total_tokens":5}'],
];
