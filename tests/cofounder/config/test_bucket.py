"""The bucket's client: bounded memory and time."""

from cofounder.config.bucket import Bucket


def test_a_server_of_one_s_own_is_addressed_by_path_and_given_up_on() -> None:
    own = Bucket(bucket_name="files", endpoint_url="http://127.0.0.1:9000")
    amazon = Bucket(bucket_name="files", endpoint_url=None)

    assert own.client_config.s3 == {"addressing_style": "path"}
    assert amazon.client_config.s3 == {"addressing_style": "auto"}
    assert own.client_config.connect_timeout + own.client_config.read_timeout < 60


def test_a_large_file_is_sent_in_two_parts_at_a_time() -> None:
    files = Bucket(bucket_name="files", endpoint_url=None)

    assert (
        files.transfer_config.max_request_concurrency,
        files.transfer_config.max_in_memory_upload_chunks,
    ) == (2, 2)
