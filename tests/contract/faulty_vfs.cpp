// The wrapping VFS: everything is passed on, but for what is told to fail.
#include "tests/contract/faulty_vfs.hpp"

#include <cstdlib>
#include <new>

namespace welkin::test {
namespace {

// SQLite allocates szOsFile bytes: ours, and the real file right behind.
struct File {
  sqlite3_file base;
  FaultyVfs* faults;
  std::string* path;
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

int judge(sqlite3_file* file, DiskOp operation) {
  const auto* mine = reinterpret_cast<File*>(file);
  return mine->faults->judge(operation, *mine->path);
}

int close(sqlite3_file* file) {
  delete reinterpret_cast<File*>(file)->path;
  return real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}
int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), to, size, offset);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  if (const int code = judge(file, DiskOp::write)) return code;
  return real(file)->pMethods->xWrite(real(file), from, size, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = judge(file, DiskOp::truncate)) return code;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
  if (const int code = judge(file, DiskOp::sync)) return code;
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_reserved_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int file_control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int device_characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: with shared memory for WAL, without memory-mapped reads.
constexpr sqlite3_io_methods methods = {2,
                                        close,
                                        read,
                                        write,
                                        truncate,
                                        sync,
                                        file_size,
                                        lock,
                                        unlock,
                                        check_reserved_lock,
                                        file_control,
                                        sector_size,
                                        device_characteristics,
                                        shm_map,
                                        shm_lock,
                                        shm_barrier,
                                        shm_unmap,
                                        nullptr,
                                        nullptr};

}  // namespace

struct FaultyVfs::Registered {
  sqlite3_vfs vfs;  // a copy of the real one, so that what is not replaced goes straight there
  sqlite3_vfs* below;
  FaultyVfs* faults;

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    auto* self = reinterpret_cast<Registered*>(vfs);
    auto* mine = reinterpret_cast<File*>(file);
    *mine = File{{nullptr}, self->faults, nullptr};
    const int code = self->below->xOpen(self->below, name, real(file), flags, out_flags);
    // Without methods SQLite does not call close(), and there is nothing to close.
    if (code != SQLITE_OK) return code;
    mine->path = new std::string(name ? name : "");
    mine->base.pMethods = &methods;
    return code;
  }
};

FaultyVfs::FaultyVfs() : registered_(std::make_unique<Registered>()) {
  registered_->below = sqlite3_vfs_find(nullptr);
  registered_->vfs = *registered_->below;
  registered_->faults = this;
  registered_->vfs.pNext = nullptr;
  registered_->vfs.zName = "faulty";
  registered_->vfs.szOsFile = static_cast<int>(sizeof(File)) + registered_->below->szOsFile;
  registered_->vfs.xOpen = Registered::open;
  if (sqlite3_vfs_register(&registered_->vfs, 1) != SQLITE_OK) std::abort();
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&registered_->vfs);
  sqlite3_vfs_register(registered_->below, 1);
}

void FaultyVfs::fail(DiskOp operations, int code, long nth, long count, std::string name_part) {
  heal();
  operations_ = static_cast<int>(operations);
  code_ = code;
  countdown_ = nth;
  count_ = count;
  name_part_ = std::move(name_part);
  failed_ = 0;
  armed_ = true;
}

void FaultyVfs::heal() { armed_ = false; }

int FaultyVfs::judge(DiskOp operation, const std::string& path) {
  if (!armed_ || (operations_ & static_cast<int>(operation)) == 0) return SQLITE_OK;
  if (path.find(name_part_) == std::string::npos) return SQLITE_OK;
  const long left = --countdown_;
  if (left > 0 || -left >= count_) return SQLITE_OK;
  ++failed_;
  return code_;
}

}  // namespace welkin::test
