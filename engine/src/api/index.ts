import type { Evaluator, Evaluators } from "../session/evaluate.ts";
import { container } from "./container.ts";
import { currentModule, currentQueries, functionCall } from "./current.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { error, host, query, secret } from "./query.ts";
import { service } from "./service.ts";
import { functionDef, moduleDef, typeDef, typeQueries } from "./types.ts";

const byType: Record<string, Record<string, Evaluator>> = {
  Query: { ...query, ...typeQueries, ...currentQueries },
  Container: container,
  Directory: directory,
  File: file,
  Host: host,
  Secret: secret,
  Service: service,
  Error: error,
  TypeDef: typeDef,
  Function: functionDef,
  Module: moduleDef,
  CurrentModule: currentModule,
  FunctionCall: functionCall,
};

/** Every field of the API that this engine has, by "Type.field"; `id` and `sync` are the same for all. */
export const evaluators: Evaluators = new Map(
  Object.entries(byType).flatMap(([type, fields]) =>
    Object.entries(fields).map(([field, evaluator]): [string, Evaluator] => [`${type}.${field}`, evaluator]),
  ),
);
