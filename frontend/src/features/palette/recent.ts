import { readChoice, saveChoice } from '@/lib/storage'

const KEPT = 6

/** The keys of what was chosen lately in this browser, the latest first. */
export function recentKeys(): string[] {
  return (readChoice('palette') ?? '').split('\n').filter(Boolean)
}

export function remember(key: string): void {
  saveChoice('palette', [key, ...recentKeys().filter((other) => other !== key)].slice(0, KEPT).join('\n'))
}
