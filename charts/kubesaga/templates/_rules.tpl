{{/* What the operator may do where Tasks live: in a ClusterRole, or in a Role of each watched namespace.
     Each rule is a call that the operator makes; a call that it stops making takes its rule along. */}}
{{- define "kubesaga.rules" -}}
# The feed and the resync read the custom resources.
- apiGroups: [kubesaga.dev]
  resources: [tasktemplates, taskactions]
  verbs: [get, list, watch]
# Of a user's Task only the metadata is ever written: the finalizer and the dead-letter label. Sub-workflows are Tasks
# of the operator's own: created, and deleted with their parent; a Task's ttlAfterFinished deletes it.
- apiGroups: [kubesaga.dev]
  resources: [tasks]
  verbs: [get, list, watch, create, patch, delete, deletecollection]
- apiGroups: [kubesaga.dev]
  resources: [tasks/status, tasktemplates/status, taskactions/status]
  verbs: [patch]
# An owner reference blocks its Task's foreground deletion: clusters that enforce it ask for this.
- apiGroups: [kubesaga.dev]
  resources: [tasks/finalizers]
  verbs: [update]
# Steps run as Jobs: created, stopped by a patch, and cleaned up together after the retention.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, deletecollection]
# A step's last words are read from its pod's status, a result that is too large for that from its log.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# What is too large for a status or a variable (results, inputs, history), and who holds an identity. RBAC cannot name
# objects that are still to be created; without list and watch only names that are known can be read.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, delete, deletecollection]
# A template's content is pinned in a revision, which is marked and deleted once nothing names it any more.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, create, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}
