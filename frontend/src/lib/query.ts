/** What stands in the address under a name: the first of several, empty when absent. */
export function queryText(value: unknown): string {
  return Array.isArray(value) ? String(value[0] ?? '') : String(value ?? '')
}
