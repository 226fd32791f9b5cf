import type { Evaluator, Evaluators, FindResolver, Resolver } from "../session/context.ts";
import { address, addressQueries, addressResolvers } from "./address.ts";
import { changeset, changesetQueries, changesetResolvers } from "./changeset.ts";
import { container } from "./container.ts";
import { containerResolvers } from "./container-image.ts";
import {
  currentModule,
  currentModuleResolvers,
  currentQueries,
  currentResolvers,
  functionCall,
} from "./current.ts";
import { directory, directoryResolvers } from "./directory.ts";
import {
  containerEnvFile,
  containerEnvFileResolvers,
  envFile,
  envFileQueries,
  envFileResolvers,
} from "./env-file.ts";
import { file, fileResolvers } from "./file.ts";
import { gitQueries, gitRef, gitRepository, gitResolvers } from "./git.ts";
import { host, hostContent, hostResolvers } from "./host.ts";
import { jsonQueries, jsonValue } from "./json-value.ts";
import { commonResolver, nodeQueries } from "./node.ts";
import { error, query } from "./query.ts";
import { secret, secretQueries, secretResolvers } from "./secret.ts";
import { service, serviceResolvers } from "./service.ts";
import { functionDef, moduleDef, typeDef, typeQueries } from "./types.ts";

const byType: Record<string, Record<string, Evaluator>> = {
  Query: {
    ...query,
    ...secretQueries,
    ...typeQueries,
    ...currentQueries,
    ...hostContent,
    ...addressQueries,
    ...changesetQueries,
    ...envFileQueries,
    ...gitQueries,
    ...jsonQueries,
  },
  Address: address,
  Changeset: changeset,
  Container: { ...container, ...containerEnvFile },
  Directory: directory,
  EnvFile: envFile,
  File: file,
  GitRef: gitRef,
  GitRepository: gitRepository,
  Host: host,
  JSONValue: jsonValue,
  Secret: secret,
  Service: service,
  Error: error,
  TypeDef: typeDef,
  Function: functionDef,
  Module: moduleDef,
  CurrentModule: currentModule,
  FunctionCall: functionCall,
};

const resolversByType: Record<string, Record<string, Resolver>> = {
  Query: { ...nodeQueries, ...secretResolvers, ...currentResolvers, ...gitResolvers },
  Address: addressResolvers,
  Changeset: changesetResolvers,
  Container: { ...containerResolvers, ...containerEnvFileResolvers },
  Directory: directoryResolvers,
  EnvFile: envFileResolvers,
  File: fileResolvers,
  Host: hostResolvers,
  Service: serviceResolvers,
  CurrentModule: currentModuleResolvers,
};

/** Every field of the API that this engine evaluates, by "Type.field". */
export const evaluators: Evaluators = byField(byType);

const resolvers = byField(resolversByType);

/** The resolver of a field: its own, or one that is common to all types. */
export const findResolver: FindResolver = (type, field) =>
  resolvers.get(`${type}.${field}`) ?? commonResolver(type, field);

function byField<T>(types: Record<string, Record<string, T>>): Map<string, T> {
  return new Map(
    Object.entries(types).flatMap(([type, fields]) =>
      Object.entries(fields).map(([field, value]): [string, T] => [`${type}.${field}`, value]),
    ),
  );
}
