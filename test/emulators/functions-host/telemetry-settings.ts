/**
 * The app settings that the host's own telemetry cannot read, so that it does not start: a connection string or headers
 * with a part that is no `name=value`. A malformed OTLP endpoint, protocol, sampler or interval does no harm.
 */
export function settingsThatStopTheHost(environment: Readonly<Record<string, string>>): readonly string[] {
  return [
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', ';'],
    ['OTEL_EXPORTER_OTLP_HEADERS', ','],
  ].flatMap(([name = '', separator = '']) => {
    const parts = (environment[name] ?? '').split(separator).filter((part) => part.trim() !== '');
    return parts.every((part) => part.includes('=')) ? [] : [name];
  });
}
