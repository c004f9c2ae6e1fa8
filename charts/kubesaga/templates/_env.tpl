{{/* The operator's settings as environment variables (operator/kubesaga/runtime/settings.py reads them). */}}
{{- define "kubesaga.env" -}}
# Not the host's name, which the kubelet cuts at 63 characters, before what tells two pods apart.
- name: KUBESAGA_OPERATOR_IDENTITY
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: KUBESAGA_OPERATOR_LEASE_NAME
  value: {{ include "kubesaga.fullname" . }}
{{- with .Values.operator }}
- name: KUBESAGA_OPERATOR_LOG_LEVEL
  value: {{ .logLevel | quote }}
- name: KUBESAGA_OPERATOR_LOG_FORMAT
  value: {{ .logFormat | quote }}
- name: KUBESAGA_OPERATOR_RESYNC_INTERVAL
  value: {{ .resyncInterval | quote }}
- name: KUBESAGA_OPERATOR_JOB_RETENTION
  value: {{ .jobRetention | quote }}
- name: KUBESAGA_OPERATOR_REVISION_RETENTION
  value: {{ .revisionRetention | quote }}
- name: KUBESAGA_OPERATOR_MAX_RUNNING_TASKS
  value: {{ int64 .maxRunningTasks | quote }}
{{- with .environment }}
- name: KUBESAGA_OPERATOR_ENVIRONMENT
  value: {{ . | quote }}
{{- end }}
{{- with .watchNamespaces }}
- name: KUBESAGA_OPERATOR_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .defaultImage }}
- name: KUBESAGA_OPERATOR_DEFAULT_IMAGE
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
