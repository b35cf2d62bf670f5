/** Every time zone the browser knows; UTC is not always among them. */
export function zones(): string[] {
  const known = Intl.supportedValuesOf('timeZone')
  return known.includes('UTC') ? known : ['UTC', ...known]
}

const OPTIONS: Intl.DateTimeFormatOptions = {
  weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit',
}

/** A moment as the clock on the wall shows it in `zone`; null when the browser does not know that zone. */
export function wallTime(instant: string, zone: string | undefined, locale: string): string | null {
  try {
    return new Intl.DateTimeFormat(locale, { ...OPTIONS, timeZone: zone, timeZoneName: 'short' }).format(Date.parse(instant))
  } catch {
    return null
  }
}
