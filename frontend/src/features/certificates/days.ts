type Translate = (key: string, count: number) => string

/** "5 days left", "ended 3 days ago"; what nobody knows is said too. Days are rounded down: -1 is the first day after. */
export function daysText(days: number | null, t: Translate): string {
  if (days === null) return t('certificate.days_unknown', 0)
  return days < 0 ? t('certificate.ended', -days - 1) : t('certificate.days_left', days)
}
