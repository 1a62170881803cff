#include "runtime/nn/net.h"

#include "runtime/base/files.h"

enum hone_status net_check_whole(const struct net *net, struct hone_error *err)
{
    if (!map_file_is_whole(net->weights.pack_map))
        return hone_fail(
            err, HONE_FAILED,
            "%s: the file of its packed weights was shortened, or its disk failed, while the model was "
            "open; open it again",
            gguf_path(net->gguf));
    return gguf_check_whole(net->gguf, err);
}
