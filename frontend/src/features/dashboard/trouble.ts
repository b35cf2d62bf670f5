import { computed } from 'vue'
import type { Container } from '@/api/types'
import type { Problem } from '@/features/containers/problems'
import { useShownContainers } from '@/features/containers/shown'
import { problemTone } from '@/features/certificates/standing'
import { useCertificates } from '@/features/certificates/store'
import type { CertificateItem } from '@/features/certificates/types'
import { standingOf } from '@/features/endpoints/standing'
import { useEndpoints } from '@/features/endpoints/store'
import type { Endpoint } from '@/features/endpoints/types'
import { useHeartbeats } from '@/features/heartbeats/store'
import type { Heartbeat } from '@/features/heartbeats/types'

/** One thing that needs a look, whatever it is. */
export type Trouble = { key: string; tone: 'bad' | 'warn' } & (
  | { kind: 'container'; container: Container; problem: Problem }
  | { kind: 'endpoint'; endpoint: Endpoint }
  | { kind: 'heartbeat'; heartbeat: Heartbeat }
  | { kind: 'certificate'; certificate: CertificateItem }
)

/** What is broken first, then what is about to be; each kind in its own order. */
export function listTrouble(
  containers: { container: Container; problem: Problem }[],
  endpoints: Endpoint[],
  heartbeats: Heartbeat[],
  certificates: CertificateItem[],
): Trouble[] {
  const all: Trouble[] = [
    ...containers.map(({ container, problem }) => ({
      kind: 'container' as const, key: `container ${container.id}`, tone: problem.tone, container, problem,
    })),
    ...endpoints.map((endpoint) => ({
      kind: 'endpoint' as const,
      key: `endpoint ${endpoint.id}`,
      tone: standingOf(endpoint) === 'down' ? ('bad' as const) : ('warn' as const),
      endpoint,
    })),
    ...heartbeats.map((heartbeat) => ({
      kind: 'heartbeat' as const,
      key: `heartbeat ${heartbeat.id}`,
      tone: heartbeat.status === 'down' ? ('bad' as const) : ('warn' as const),
      heartbeat,
    })),
    ...certificates.map((certificate) => ({
      kind: 'certificate' as const,
      key: `certificate ${certificate.id}`,
      tone: certificate.problems.some((problem) => problemTone(problem) === 'bad') ? ('bad' as const) : ('warn' as const),
      certificate,
    })),
  ]
  return [...all.filter(({ tone }) => tone === 'bad'), ...all.filter(({ tone }) => tone === 'warn')]
}

/** Everything that needs a look on the host that was chosen. */
export function useTrouble() {
  const { problems } = useShownContainers()
  const endpoints = useEndpoints()
  const heartbeats = useHeartbeats()
  const certificates = useCertificates()
  return computed(() => listTrouble(problems.value, endpoints.troubled, heartbeats.troubled, certificates.troubled))
}
