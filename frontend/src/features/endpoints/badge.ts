export const BADGES = ['status', 'uptime', 'response'] as const
export type Badge = (typeof BADGES)[number]

export const badgePath = (key: string, badge: Badge) => `/badges/${encodeURIComponent(key)}/${badge}.svg`

/** For a README: the badge, which leads nowhere, as whoever reads it may not have an account here. */
export function badgeMarkdown(key: string, badge: Badge, name: string): string {
  return `![${name.replace(/[[\]]/g, '')}](${window.location.origin}${badgePath(key, badge)})`
}
