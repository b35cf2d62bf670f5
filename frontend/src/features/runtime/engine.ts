import type { RuntimeStatus } from '@/api/types'

const NAMES: Record<string, string> = { docker: 'Docker', podman: 'Podman', kubernetes: 'Kubernetes', swarm: 'Docker Swarm' }

export function engineName(runtime: string | undefined): string {
  return NAMES[runtime ?? ''] ?? 'Docker'
}

/** None connected, and nothing was ever seen: there is no last known state to show. */
export function hasNoEngine(status: RuntimeStatus, knownContainers: number): boolean {
  return knownContainers === 0 && !status.hosts.some((host) => host.connected)
}
