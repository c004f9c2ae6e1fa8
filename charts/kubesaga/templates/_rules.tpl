{{/* What the operator may do where Tasks live: in a ClusterRole, or in a Role of each watched namespace.
     Each rule is a call that the operator makes; a call that it stops making takes its rule along. */}}
{{- define "kubesaga.rules" -}}
# The feed and the resync read the custom resources; only their status is ever written.
- apiGroups: [kubesaga.dev]
  resources: [tasks, tasktemplates]
  verbs: [get, list, watch]
- apiGroups: [kubesaga.dev]
  resources: [tasks/status, tasktemplates/status]
  verbs: [patch]
# A Job's owner reference blocks its Task's foreground deletion: clusters that enforce it ask for this.
- apiGroups: [kubesaga.dev]
  resources: [tasks/finalizers]
  verbs: [update]
# Steps run as Jobs: created, stopped by a patch, and cleaned up together after the retention.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, deletecollection]
# A step's last words are read from its pod's status.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
# A released template is pinned in a revision that outlives it.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, create]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
