"""Audit events of the Kubernetes API server: every shape they come in, and their fields.

``shapes`` finds the native events inside what a cloud or a collector wrapped around them. ``model`` is a native event, decoded no further than the
loaded rules need. ``extract`` computes the fields that rules name (``ka.*``, ``jevt.*``) from it.

Sources: audit.k8s.io/v1 (k8s.io/apiserver/pkg/apis/audit/v1), the fields documented by Falco's plugins k8saudit and json.
"""
