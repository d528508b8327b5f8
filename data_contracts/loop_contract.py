"""Reading the data contract of any loop: its table says whether its examples are labeled images or chats."""

from data_contracts import chat_contract_file, contract_file
from data_contracts.errors import ContractBroken
from data_contracts.image_contract import LoopContract
from data_contracts.odcs import check_against_standard, parse_document


def read_loop_contract(content: bytes, *, name: str) -> LoopContract:
    """The contract that the YAML *content* describes, of images or of chats; *name* is what messages call the file.

    Raises ContractBroken as `read_contract` does, and for a file with both tables.
    """
    document = parse_document(content, name)
    check_against_standard(document, name)
    tables = {table.get("name") for table in document.get("schema", [])}
    if chat_contract_file.TABLE not in tables:
        return contract_file.read_image_contract(document, content, name)
    if contract_file.TABLE in tables:
        raise ContractBroken(f"{name} has a table of images and one of chats; a loop learns from one kind")
    return chat_contract_file.read_chat_contract(document, content, name)
