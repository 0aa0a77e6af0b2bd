/** `log-000002/000123.ldb` is one of `log/ldb`. */
export function familyOf(path: string): string {
  const name = path.replace(/^(log|store|witness)-\d+/, '$1');
  return name
    .replace(/\d{6}\.(\w+)$/, '$1')
    .replace(/MANIFEST-\d+$/, 'MANIFEST')
    .replace(/^$/, 'the data dir');
}
