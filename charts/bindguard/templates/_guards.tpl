{{/* Parts of the guards, character by character as `bindguard manifests` prints them, which a test compares. */}}

{{/* A name as messages show it: cut if it is too long, quoted and escaped unless it is plain. */}}
{{- define "bindguard.shownName" -}}
{{- if and (le (len .) 253) (regexMatch "^[A-Za-z0-9._:@/+,=-]+$" .) -}}
{{ . }}
{{- else -}}
{{- $hidden := "^[\\x{ad}\\x{34f}\\x{600}-\\x{605}\\x{61c}\\x{6dd}\\x{70f}\\x{890}-\\x{891}\\x{8e2}\\x{115f}-\\x{1160}\\x{17b4}-\\x{17b5}\\x{180b}-\\x{180f}\\x{200b}-\\x{200f}\\x{2028}-\\x{202e}\\x{2060}-\\x{206f}\\x{3164}\\x{feff}\\x{ffa0}\\x{fff0}-\\x{fffb}\\x{110bd}\\x{110cd}\\x{13430}-\\x{1343f}\\x{1bca0}-\\x{1bca3}\\x{1d173}-\\x{1d17a}\\x{e0000}-\\x{e0fff}]$" -}}
{{- $characters := splitList "" . -}}
{{- $shown := "" -}}
{{- range $number, $character := $characters -}}
{{- if lt $number 253 -}}
{{- if eq $character "\"" -}}
{{- $character = "\\\"" -}}
{{- else if regexMatch $hidden $character -}}
{{- /* What Go escapes as \u200b or \U000e0001. */ -}}
{{- $character = printf "\\u{%s}" (regexReplaceAll "^\"\\\\[uU]0*([0-9a-f]+)\"$" (printf "%+q" $character) "${1}") -}}
{{- end -}}
{{- $shown = print $shown $character -}}
{{- end -}}
{{- end -}}
"{{ $shown }}"
{{- if gt (len $characters) 253 }}… ({{ len $characters }} characters){{ end -}}
{{- end -}}
{{- end -}}

{{/* What the guard of orders asks, as a JSON list. Each question to the authorizer stands by itself, since one expression may
cost no more than two of them. Takes the policy. */}}
{{- define "bindguard.orderValidations" -}}
{{- $user := "request.userInfo.username" -}}
{{- $isAccount := printf "%s.startsWith('system:serviceaccount:')" $user -}}
{{- $right := "authorizer.group('rbac.authorization.k8s.io').resource" -}}
{{- $accounts := list -}}
{{- range .provisioning.serviceAccounts }}{{ $accounts = append $accounts (printf "system:serviceaccount:%s:%s" .namespace .name) }}{{ end -}}
{{- $questions := list
  (list (printf "!%s || %s in %s" $isAccount $user (include "bindguard.celList" $accounts))
    "a ServiceAccount may order companions only if the policy lists it in spec.provisioning.serviceAccounts")
  (list (printf "!%s.startsWith('system:') || %s" $user $isAccount)
    "a user whose name begins with system: orders no companions")
-}}
{{- $users := list -}}
{{- $groups := list -}}
{{- range .provisioning.notOrdering -}}
{{- if eq .kind "User" }}{{ $users = append $users .name }}{{ else }}{{ $groups = append $groups .name }}{{ end -}}
{{- end -}}
{{- $none := list -}}
{{- with $users }}{{ $none = append $none (printf "!(%s in %s)" $user (include "bindguard.celList" .)) }}{{ end -}}
{{- with $groups }}{{ $none = append $none (printf "!request.userInfo.?groups.orValue([]).exists(group, group in %s)" (include "bindguard.celList" .)) }}{{ end -}}
{{- if $none -}}
{{- $questions = append $questions (list (join " && " $none) "the policy lists you in spec.provisioning.notOrdering") -}}
{{- end -}}
{{- $questions = append $questions (list (printf "%s('clusterrolebindings').check('create').allowed()" $right)
  "an order for companions needs what making them by hand does: \"create\" on clusterrolebindings, in the whole cluster") -}}
{{- range .companions -}}
{{- $questions = append $questions (list
  (printf "%s('clusterroles').name(%s).check('bind').allowed()" $right (include "bindguard.celString" .clusterRole))
  (printf "an order for companions needs the verb \"bind\" on ClusterRole %s, in the whole cluster; holding its permissions is not enough" (include "bindguard.shownName" .clusterRole))) -}}
{{- end -}}
{{- $questions = append $questions (list
  (printf "%s.orValue('') == %s" (include "bindguard.annotation" (list "object" "ordered-by")) $user)
  "bindguard.dev/ordered-by must be the user name of whoever places the order, and it is not yours") -}}
{{- $validations := list -}}
{{- range $questions -}}
{{- $message := printf "%s. To copy or restore a binding, remove its annotations bindguard.dev/order and bindguard.dev/ordered-by" (index . 1) -}}
{{- $validations = append $validations (dict "expression" (index . 0) "message" $message "reason" "Forbidden") -}}
{{- end -}}
{{- toJson $validations -}}
{{- end -}}

{{/* What the controller may do of RBAC, as a JSON list. Takes the policy. */}}
{{- define "bindguard.companionValidations" -}}
{{- $companions := list -}}
{{- range .companions }}{{ $companions = append $companions .clusterRole }}{{ end -}}
{{- $validations := list -}}
{{- range list
  (list "request.operation == 'CREATE' && request.resource.resource == 'clusterrolebindings'"
    "bindguard's controller may do nothing here but create ClusterRoleBindings")
  (list "object == null || object.metadata.name.startsWith('bindguard-')"
    "what bindguard's controller creates must have a name that begins with bindguard-")
  (list (printf "object == null || !has(object.roleRef) || object.roleRef.kind == 'ClusterRole' && object.roleRef.name in %s" (include "bindguard.celList" $companions))
    "bindguard's controller may bind nothing but companions")
  (list "object == null || !has(object.subjects) || object.subjects.all(subject, !subject.name.startsWith('system:') || subject.kind != 'Group' && subject.name.startsWith('system:serviceaccount:'))"
    "bindguard's controller may bind nothing to subjects whose name begins with system:")
-}}
{{- $validations = append $validations (dict "expression" (index . 0) "message" (index . 1) "reason" "Forbidden") -}}
{{- end -}}
{{- toJson $validations -}}
{{- end -}}

{{/* What the controller may do with webhook configurations, as a JSON list. Takes the name of bindguard's own. */}}
{{- define "bindguard.webhookValidations" -}}
{{- $metadata := list -}}
{{- range list "labels" "annotations" "finalizers" "ownerReferences" -}}
{{- $metadata = append $metadata (printf "object.metadata.?%s == oldObject.metadata.?%s" . .) -}}
{{- end -}}
{{- $fields := list -}}
{{- range list "rules" "failurePolicy" "matchPolicy" "namespaceSelector" "objectSelector" "sideEffects" "timeoutSeconds" "admissionReviewVersions" "matchConditions" -}}
{{- $fields = append $fields (printf "new.?%s == old.?%s" . .) -}}
{{- end -}}
{{- $fields = append $fields "dyn(new).?reinvocationPolicy == dyn(old).?reinvocationPolicy" -}}
{{- $new := "object.?webhooks.orValue([])" -}}
{{- $old := "oldObject.?webhooks.orValue([])" -}}
{{- $both := "object == null || oldObject == null" -}}
{{- $same := "new.name == old.name && new.clientConfig.?url == old.clientConfig.?url && new.clientConfig.?service == old.clientConfig.?service" -}}
{{- $validations := list -}}
{{- range list
  (printf "request.operation == 'UPDATE' && object.metadata.name == %s" (include "bindguard.celString" .))
  (printf "%s || %s" $both (join " && " $metadata))
  (printf "%s || size(%s) == size(%s) && %s.all(new, %s.exists(old, %s && %s))" $both $new $old $new $old $same (join " && " $fields))
-}}
{{- $message := "bindguard's controller may change nothing in webhook configurations but the caBundle of bindguard's own" -}}
{{- $validations = append $validations (dict "expression" . "message" $message "reason" "Forbidden") -}}
{{- end -}}
{{- toJson $validations -}}
{{- end -}}

{{/* What keeps the caBundle of the webhooks, as a JSON list. Takes (list mode account): of the certificates, of the controller. */}}
{{- define "bindguard.trustValidations" -}}
{{- $new := "object.?webhooks.orValue([])" -}}
{{- $old := "oldObject.?webhooks.orValue([])" -}}
{{- $otherwise := "To do it all the same, first delete the ValidatingAdmissionPolicyBinding trust.bindguard.dev; to do without bindguard, delete the whole configuration" -}}
{{- $questions := list (list
  (printf "%s.all(new, has(new.clientConfig.caBundle) || !%s.exists(old, old.name == new.name && has(old.clientConfig.caBundle)))" $new $old)
  "without its caBundle the API server trusts nobody to answer for bindguard, and refuses every persona binding") -}}
{{- if eq (index . 0) "self-managed" -}}
{{- $questions = append $questions (list
  (printf "request.userInfo.username == %s || %s.all(new, %s.all(old, old.name != new.name || new.clientConfig.?caBundle == old.clientConfig.?caBundle))" (include "bindguard.celString" (index . 1)) $new $old)
  "bindguard's controller keeps the caBundle of bindguard's webhooks, and nobody else changes it") -}}
{{- end -}}
{{- $validations := list -}}
{{- range $questions -}}
{{- $validations = append $validations (dict "expression" (index . 0) "message" (printf "%s. %s" (index . 1) $otherwise) "reason" "Forbidden") -}}
{{- end -}}
{{- toJson $validations -}}
{{- end -}}
