/** Types whose fields are the properties of their value. */
export const plainTypes = [
  "DiffStat",
  "EnvVariable",
  "ErrorValue",
  "FunctionCallArgValue",
  "HealthcheckConfig",
  "Label",
  "Port",
  "SearchResult",
  "SearchSubmatch",
  "SourceMap",
  "Stat",
];

/** The error message for a field that this engine lacks. */
export function missingField(type: string, field: string): string {
  return `${type}.${field} is not part of the embedded engine; if the official engine has it, use that: STACKLINE_ENGINE=dagger`;
}
