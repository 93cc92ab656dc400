"""Load balancers that stay inside the network of their provider."""

from typing import Final

from seawall.core.resource import Resource

_INTERNAL: Final = {
    # Annotation and the values that keep the load balancer inside; source: the documentation of each provider.
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    "networking.gke.io/load-balancer-type": ("Internal", "internal"),
    "cloud.google.com/load-balancer-type": ("Internal", "internal"),
    "service.beta.kubernetes.io/oci-load-balancer-internal": ("true",),
    "service.beta.kubernetes.io/openstack-internal-load-balancer": ("true",),
    "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": ("private",),
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": ("intranet",),
}


def is_internal(service: Resource) -> bool:
    """Whether an annotation of the Service asks its provider for an internal load balancer."""
    annotations = service.field("metadata", "annotations")
    return any(annotations[name].text in values for name, values in _INTERNAL.items())
