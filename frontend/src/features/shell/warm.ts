const QUIET_MS = 2000

/** Fetches the other pages once the first one is done, so that they open at once, and even while the server restarts. */
export function warmPages(): void {
  setTimeout(() => {
    const pages = [
      import('@/features/dashboard/DashboardPage.vue'),
      import('@/features/containers/ContainersPage.vue'),
      import('@/features/containers/ContainerPage.vue'),
      import('@/features/containers/ContainerTimeline.vue'),
      import('@/features/containers/ContainerLogs.vue'),
      import('@/features/containers/NamedContainerPage.vue'),
      import('@/features/endpoints/EndpointsPage.vue'),
      import('@/features/endpoints/EndpointPage.vue'),
      import('@/features/heartbeats/HeartbeatsPage.vue'),
      import('@/features/heartbeats/HeartbeatPage.vue'),
      import('@/features/certificates/CertificatesPage.vue'),
      import('@/features/palette/CommandPalette.vue'),
      import('@/features/shortcuts/ShortcutSheet.vue'),
      import('./NotFoundPage.vue'),
    ]
    // What fails here is fetched again when it is needed.
    void Promise.allSettled(pages)
  }, QUIET_MS)
}
