"""The servers that all integration tests stand on."""

import httpx

from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService


def test_homeserver_speaks_what_meetings_need(synapse: TestSynapse) -> None:
    features = synapse.admin.call("GET", "client", "versions")["unstable_features"]
    assert features["org.matrix.msc4140"]
    assert features["org.matrix.msc4143"]
    assert features["org.matrix.simplified_msc3575"]


def test_homeserver_announces_the_token_service(synapse: TestSynapse, token_service: TestTokenService) -> None:
    answer = synapse.admin.call("GET", "client", "unstable", "org.matrix.msc4143", "rtc", "transports")
    assert answer == {"rtc_transports": [{"type": "livekit", "livekit_service_url": token_service.url}]}


def test_registered_people_can_log_in(synapse: TestSynapse) -> None:
    account = synapse.register("mei")
    with synapse.client(account) as mei, mei.log_in(account.localpart, account.password) as second:
        assert second.user_id == mei.user_id == account.user_id


def test_sfu_answers_on_loopback(livekit: TestLiveKit) -> None:
    assert httpx.get(livekit.url.replace("ws:", "http:"), trust_env=False).text == "OK"
