#include "runtime/nn/net.h"

#include "runtime/base/files.h"

static bool packs_are_whole(const struct net *net)
{
    bool whole = true;
    for (const struct net *n = net; n && whole; n = n->elder)
        whole = map_file_is_whole(n->weights.pack_map);
    return whole;
}

enum hone_status net_check_whole(const struct net *net, struct hone_error *err)
{
    if (!packs_are_whole(net))
        return hone_fail(err, HONE_FAILED,
                         "%s: the file of its packed weights was shortened or changed, or its disk failed, "
                         "while the model "
                         "was open; open it again",
                         gguf_path(net->gguf));
    return gguf_check_whole(net->gguf, err);
}
