"""Random clusters with policies of every kind."""

from hypothesis import strategies as st

from tests.deploy.network import test_against_brute as kinds
from tests.deploy.network import test_reach as model
from tests.deploy.network.objects import Object, loaded


@st.composite
def upstream_clusters(draw: st.DrawFn) -> list[Object]:
    """With the policies of Kubernetes itself and of network-policy-api side by side."""
    several = st.lists(st.one_of(kinds.kubernetes_policies, kinds.kubernetes_policies, kinds.admin_policies, kinds.baselines), min_size=1, max_size=8)
    policies = {(item["kind"], item["metadata"]["name"]): item for item in draw(several)}
    return [*draw(kinds.clusters()), *policies.values()]


def cilium_clusters() -> st.SearchStrategy[list[Object]]:
    return st.builds(lambda cluster, policies: [*cluster, *policies], kinds.clusters(), st.lists(kinds.cilium_policies, min_size=1, max_size=4))


any_clusters = st.one_of(
    st.one_of(upstream_clusters(), kinds.calico_clusters(), cilium_clusters()).map(lambda objects: loaded(objects).cluster),
    model.clusters,  # what the model can say and no kind does often
)
