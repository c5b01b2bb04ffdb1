{{/* What the restricted level of Pod Security asks of a Pod. The image's user is a number and not 0. */}}
{{- define "bindguard.podSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "bindguard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Labels and annotations of a Pod. Takes (list root component). */}}
{{- define "bindguard.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $selector := fromYaml (include "bindguard.selector" .) -}}
{{- $version := dict "app.kubernetes.io/part-of" "bindguard" "app.kubernetes.io/version" $root.Chart.AppVersion -}}
labels:
  {{- toYaml (merge $selector $version $root.Values.podLabels $root.Values.commonLabels) | nindent 2 }}
{{- with merge (dict) $root.Values.podAnnotations $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What all Pods have in common. enableServiceLinks: a Service called bindguard would set variables that begin like ours. */}}
{{- define "bindguard.podCommon" -}}
enableServiceLinks: false
automountServiceAccountToken: true
securityContext:
  {{- include "bindguard.podSecurity" . | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The policy file in a Pod: the volume and where it is mounted. No subPath, since such a file never changes. */}}
{{- define "bindguard.policyVolume" -}}
- name: policy
  configMap:
    name: {{ include "bindguard.name" . }}-policy
{{- end -}}

{{- define "bindguard.policyMount" -}}
- name: policy
  mountPath: /etc/bindguard
  readOnly: true
{{- end -}}

{{/* Liveness asks for nothing but the process: one that is restarted because the API server is away would be away itself. */}}
{{- define "bindguard.probes" -}}
livenessProbe:
  httpGet: {path: /livez, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 6
{{- end -}}
