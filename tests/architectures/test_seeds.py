from itertools import combinations

from tsflow.architectures.seeds import member_seeds


def test_neighbouring_seeds_share_no_member():
    members = {seed: set(member_seeds(seed, 5)) for seed in range(200)}
    assert all(len(each) == 5 for each in members.values())
    assert not any(members[one] & members[other] for one, other in combinations(members, 2))


def test_the_first_member_is_the_seed_itself_and_more_members_change_no_earlier_one():
    assert member_seeds(7, 1) == [7]
    assert member_seeds(7, 4)[:2] == member_seeds(7, 2)


def test_all_fit_into_31_bits():
    assert all(0 <= each < 2**31 for seed in (0, 1, 2**31 - 1) for each in member_seeds(seed, 20))
